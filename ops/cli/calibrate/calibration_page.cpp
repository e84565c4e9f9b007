// The page of `photoscribe calibrate`: self-contained.
#include <array>

#include "common/page/html.h"
#include "common/text/base64.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/calibrate/calibration.h"

namespace photoscribe::cli {
namespace {

constexpr std::array<const char*, 6> kColours{"#0b7285", "#e8590c", "#5f3dc4",
                                              "#2b8a3e", "#c92a2a", "#868e96"};

/// Share of blurred photos caught over the share of clear ones rejected, one line per score.
std::string curves_svg(const Calibration& c) {
  constexpr double kSide = 360, kLeft = 46, kTop = 12;
  std::string svg =
      "<svg viewBox=\"-18 0 578 420\" role=\"img\" aria-label=\"ROC curves\">"
      "<rect x=\"46\" y=\"12\" width=\"360\" height=\"360\" class=\"frame\"/>"
      "<line x1=\"46\" y1=\"372\" x2=\"406\" y2=\"12\" class=\"chance\"/>";
  for (std::size_t i = 0; i < c.scores.size(); ++i) {
    std::string points;
    for (const OperatingPoint& point : c.scores[i].curve) {
      points += fixed(kLeft + kSide * point.false_rejects, 1) + "," +
                fixed(kTop + kSide * (1 - point.caught), 1) + " ";
    }
    const std::string colour = kColours[i % kColours.size()];
    const std::string y = fixed(30 + 20 * static_cast<double>(i), 0);
    svg += "<polyline points=\"" + points + "\" stroke=\"" + colour +
           "\" class=\"curve\"/><text x=\"416\" y=\"" + y + "\" fill=\"" + colour + "\">" +
           page::html(c.scores[i].name) + " " + fixed(c.scores[i].area, 3) + "</text>";
  }
  const OperatingPoint& chosen = chosen_point(c);
  svg += "<circle cx=\"" + fixed(kLeft + kSide * chosen.false_rejects, 1) + "\" cy=\"" +
         fixed(kTop + kSide * (1 - chosen.caught), 1) + "\" r=\"5\" class=\"chosen\"/>";
  for (const int percent : {0, 50, 100}) {
    svg += "<text x=\"" + fixed(kLeft + kSide * percent / 100, 0) +
           "\" y=\"388\" text-anchor=\"middle\">" + std::to_string(percent) + " %</text>" +
           "<text x=\"40\" y=\"" + fixed(kTop + kSide * (100 - percent) / 100 + 4, 0) +
           "\" text-anchor=\"end\">" + std::to_string(percent) + " %</text>";
  }
  return svg +
         "<text x=\"226\" y=\"410\" text-anchor=\"middle\">clear photos rejected</text>"
         "<text transform=\"translate(-6 192) rotate(-90)\" text-anchor=\"middle\">blurred photos "
         "caught</text></svg>";
}

std::string table(const Calibration& c) {
  std::string html =
      "<div class=\"wide\"><table><thead><tr><th>score<th>area under the ROC<th>95 % interval"
      "<th>Youden's threshold<th>caught<th>clear rejected<th>threshold at " +
      plain(c.false_reject_rate * 100, 3) + " % rejected<th>caught</thead><tbody>";
  for (const CalibratedScore& s : c.scores) {
    html += "<tr><td>" + page::html(s.name) + "<td>" + fixed(s.area, 4) + "<td>" +
            fixed(s.interval.low, 4) + " to " + fixed(s.interval.high, 4) + "<td>" +
            plain(s.youden.threshold, 4) + "<td>" + fixed(s.youden.caught * 100, 1) + " %" +
            "<td>" + fixed(s.youden.false_rejects * 100, 1) + " %" + "<td>" +
            plain(s.at_rate.threshold, 4) + "<td>" + fixed(s.at_rate.caught * 100, 1) + " %";
  }
  return html + "</tbody></table></div>";
}

std::string gallery(const Calibration& c, const std::vector<MisclassifiedPhoto>& wrong,
                    const std::vector<std::string>& pictures, bool blurred) {
  std::string html;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    if (wrong[i].blurred != blurred) continue;
    html += "<figure>";
    if (i < pictures.size() && !pictures[i].empty()) {
      html += "<img alt=\"\" src=\"data:image/jpeg;base64," + base64(pictures[i]) + "\">";
    }
    html += "<figcaption>" + page::html(c.files[wrong[i].photo]) + "<br><b>" +
            plain(wrong[i].score, 4) + "</b></figcaption></figure>";
  }
  return html.empty() ? "<p>None.</p>" : "<div class=\"gallery\">" + html + "</div>";
}

constexpr const char* kHead =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'\"><title>Blur, judged</title><style>"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;"
    "color:#212529;background:#fff}svg{max-width:35rem;width:100%;font-size:13px}"
    ".frame{fill:none;stroke:#adb5bd}.chance{stroke:#ced4da;stroke-dasharray:4}"
    ".curve{fill:none;stroke-width:2}.chosen{fill:#212529}.wide{overflow-x:auto}"
    "table{border-collapse:collapse}th,td{padding:.3rem .7rem;text-align:right;"
    "border-bottom:1px solid #dee2e6;white-space:nowrap}th:first-child,td:first-child{text-align:"
    "left}.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem}"
    "figure{margin:0;break-inside:avoid}img{width:100%;height:auto;border-radius:4px}"
    "figcaption{font-size:.8rem;overflow-wrap:anywhere}pre{background:#f1f3f5;padding:.7rem 1rem;"
    "border-radius:4px}@media(prefers-color-scheme:dark){body{background:#1a1b1e;color:#e9ecef}"
    "svg text:not([fill]){fill:#e9ecef}.chosen{fill:#fff}pre{background:#25262b}"
    "th,td{border-color:#373a40}}</style></head><body>";

}  // namespace

std::string calibration_page(const Calibration& c, const std::vector<MisclassifiedPhoto>& wrong,
                             const std::vector<std::string>& pictures) {
  const OperatingPoint& chosen = chosen_point(c);
  return std::string(kHead) + "<h1>Blur, judged</h1><p>" +
         counted(std::ssize(c.files), "labelled photo") + ", " + counted(c.photos.groups, "group") +
         ". A photo whose score is below the threshold is " +
         "called blurred. Intervals: " + std::to_string(c.resamples) + " resamples of groups.</p>" +
         curves_svg(c) + table(c) + "<h2>To use</h2><p>Mode <b>" +
         page::html(c.scores[c.best].name) + "</b> with threshold <b>" +
         plain(chosen.threshold, 4) + "</b> catches " + fixed(chosen.caught * 100, 1) +
         " % of the blurred photos and rejects " + fixed(chosen.false_rejects * 100, 1) +
         " % of the clear ones.</p><pre>" + page::html(config_lines(c)) +
         "</pre><h2>Clear photos that it rejects</h2>" + gallery(c, wrong, pictures, false) +
         "<h2>Blurred photos that it lets pass</h2>" + gallery(c, wrong, pictures, true) +
         "</body></html>\n";
}

}  // namespace photoscribe::cli
