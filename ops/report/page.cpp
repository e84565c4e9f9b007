#include "ops/report/page.h"

#include <cmath>

#include "common/page/html.h"
#include "common/text/base64.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/report/charts.h"
#include "ops/report/page_js.h"
#include "ops/report/tables.h"

namespace photoscribe::report {
namespace {

using page::html;
using page::script_safe;

/// Any bytes as text between tags or in an attribute.
std::string text(std::string_view bytes) { return html(shown(bytes)); }

std::string tile(const std::string& number, const std::string& what) {
  return "<div class=\"tile\"><b>" + html(number) + "</b><span>" + html(what) + "</span></div>\n";
}

std::string head(const Report& r) {
  const StateCounts& counts = r.summary.counts.asked;
  const RunSettings& s = r.summary.run.settings;
  std::string out =
      "<header><h1>Captions of run " + text(r.summary.run.name) + "</h1>\n<p class=\"meta\">" +
      text(r.database) + " · made " + html(r.made_at) + " by photoscribe " + html(r.version) +
      " · model " + text(s.model_name) + " " + html(s.model_hash.substr(0, 12)) +
      "</p>\n<div class=\"tiles\">\n" + tile(grouped(counts.total()), "photos") +
      tile(grouped(counts.done), "captioned") +
      (counts.unsure > 0
           ? tile(grouped(counts.unsure), "unsure: confidence below " + plain(s.min_confidence))
           : "") +
      tile(grouped(counts.blurred), "blurred: " + std::string(to_string(s.blur.mode)) +
                                        " score below " + plain(s.blur.blur_threshold)) +
      tile(grouped(counts.failed()), "failed");
  if (counts.pending > 0) out += tile(grouped(counts.pending), "to do");
  if (r.pace.active_s > 0) {
    out += tile(rate_text(static_cast<double>(r.pace.photos) / r.pace.active_s),
                "photos/s while at work");
  }
  if (r.evaluation) {
    out += tile(percent(r.evaluation->clear.score.bleu[3]), "BLEU-4 of the clear photos");
  }
  return out +
         "</div>\n<p><button id=\"download\" type=\"button\" hidden>Download all numbers "
         "(JSON)</button></p></header>\n";
}

std::string scored_cell(double score, const Interval& interval) {
  return "<td>" + percent(score) + "<small>" + percent(interval.low) + " – " +
         percent(interval.high) + "</small></td>";
}

std::string score_row(const ScoreLine& line) {
  std::string row =
      "<tr class=\"ours\"><td>" + html(line.name) + "</td><td>" + grouped(line.photos) + "</td>";
  for (std::size_t n = 0; n < 4; ++n) {
    row += scored_cell(line.score.bleu[n], line.intervals.bleu[n]);
  }
  return row + scored_cell(line.score.rouge_l, line.intervals.rouge_l) +
         scored_cell(line.score.cider_d, line.intervals.cider_d) +
         scored_cell(line.chair.chair_s, line.chair_intervals.chair_s) +
         scored_cell(line.chair.chair_i, line.chair_intervals.chair_i) +
         (line.chair_counts.main > 0 ? scored_cell(line.chair.recall, line.chair_intervals.recall)
                                     : "<td>–</td>") +
         "</tr>\n";
}

std::string score_table(const Evaluation& e) {
  std::string out =
      "<section id=\"scores\"><h2>Scores</h2>\n<div class=\"scroll\"><table><thead><tr><th></th>"
      "<th>photos</th><th>BLEU-1</th><th>BLEU-2</th><th>BLEU-3</th><th>BLEU-4</th><th>ROUGE-L</th>"
      "<th>CIDEr-D</th><th>CHAIRs</th><th>CHAIRi</th><th>recall</th></tr></thead><tbody>\n" +
      score_row(e.clear) + (e.with_unsure ? score_row(*e.with_unsure) : "") + score_row(e.all);
  for (const PublishedScore& other : published_scores()) {
    out += std::string("<tr class=\"published\"><td>") + html(other.name) + "<small>" +
           html(other.source) + "</small></td><td></td>";
    for (const double score : other.bleu) {
      out += "<td>" + (score > 0 ? fixed(score, 1) : std::string("–")) + "</td>";
    }
    out += "<td>–</td><td>–</td><td>–</td><td>–</td><td>–</td></tr>\n";
  }
  return out +
         "</tbody></table></div>\n<p class=\"note\">Of 100; below each score its 95 % interval by "
         "bootstrap over photos. Among <em>all photos</em> an unsure, blurred or failed one "
         "counts as an empty caption. The lower rows are published results on Flickr8k's test "
         "split: comparable "
         "when these photos are of that data set. " +
         std::string(kChairNote) + " " + kAbsentScores +
         "</p>\n<p class=\"note\">Signatures: <code>" + text(e.clear.signature) +
         "</code><br><code>" + text(e.all.signature) + "</code></p></section>\n";
}

std::string precision_table(const Evaluation& e, double min_confidence) {
  if (e.precision.empty()) return {};
  std::string out =
      "<section id=\"precision\"><h2>What may be shown</h2>\n<div class=\"scroll\"><table><thead>"
      "<tr><th>confidence from</th>";
  for (const PrecisionCurve& curve : e.precision)
    out += "<th>" + text(curve.name) + "<small>" + grouped(curve.captions) + "</small></th>";
  out += "</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < e.precision.front().points.size(); ++i) {
    const double min = e.precision.front().points[i].min_confidence;
    out += std::string(min == min_confidence ? "<tr class=\"ours\">" : "<tr>") + "<td>" +
           plain(min) + "</td>";
    for (const PrecisionCurve& curve : e.precision) {
      out += "<td>" + percent(curve.points[i].precision) + "<small>" +
             percent(curve.points[i].share) + " shown</small></td>";
    }
    out += "</tr>\n";
  }
  return out +
         "</tbody></table></div>\n<p class=\"note\">Share, of 100, of the captions shown that name "
         "nothing false (nothing that no reference names), when those of less confidence are kept "
         "back; below it the share that is shown.</p></section>\n";
}

std::string comparison_table(const AgainstRun& other) {
  std::string out =
      "<section id=\"against\"><h2>Against run " + text(other.run) +
      "</h2>\n<div class=\"scroll\"><table><thead><tr><th></th><th>this run</th><th>" +
      text(other.run) + "</th><th>difference</th><th>p</th></tr></thead><tbody>\n";
  const auto row = [&out](const std::string& name, const Comparison& c) {
    out += "<tr><td>" + name + "</td><td>" + percent(c.a) + "</td><td>" + percent(c.b) + "</td>" +
           scored_cell(c.difference, c.interval) + "<td>" + html(p_value(c.p)) + "</td></tr>\n";
  };
  for (std::size_t n = 0; n < 4; ++n) {
    row("BLEU-" + std::to_string(n + 1), other.scores.bleu[n]);
  }
  row("ROUGE-L", other.scores.rouge_l);
  row("CIDEr-D", other.scores.cider_d);
  return out + "</tbody></table></div>\n<p class=\"note\">The same " + grouped(other.photos) +
         " photos in both runs; paired bootstrap, two-sided p.</p></section>\n";
}

std::string figure(const std::string& caption, const std::string& svg) {
  return "<figure><figcaption>" + html(caption) + "</figcaption>" + svg + "</figure>\n";
}

std::string charts(const Report& r) {
  const double threshold = r.summary.run.settings.blur.blur_threshold;
  const std::string mode(to_string(r.summary.run.settings.blur.mode));
  std::string out = "<section id=\"charts\"><h2>Distributions</h2>\n<div class=\"charts\">\n";
  if (r.blur.total() > 0) {
    out += figure(
        "Blur score, mode " + mode,
        histogram_svg(r.blur, {"Histogram of blur scores", "score in mode " + mode, "photos"},
                      Marker{threshold, "threshold " + plain(threshold)}));
  }
  if (r.length.total() > 0) {
    out += figure("Caption length",
                  histogram_svg(r.length, {"Histogram of caption lengths", "words", "captions"}));
  }
  if (r.evaluation && r.evaluation->bleu4.total() > 0) {
    out += figure("Sentence BLEU-4",
                  histogram_svg(r.evaluation->bleu4,
                                {"Histogram of sentence BLEU-4", "BLEU-4, 0 to 1", "captions"}));
  }
  if (r.evaluation && r.evaluation->reliability) {
    out += figure("Does the confidence hold?",
                  reliability_svg(*r.evaluation->reliability,
                                  {"Reliability of the confidence",
                                   "predicted probability of a right caption (dashed: ideal)",
                                   "share that names nothing false"}));
    out += figure("What may be shown",
                  precision_svg(r.evaluation->precision,
                                {"Right captions among those shown",
                                 "share of the captions that is shown", "share of these right"}));
  }
  if (r.pace.photos > 0) {
    const bool minutes = static_cast<double>(r.pace.counts.size()) * r.pace.bin_s > 600;
    out +=
        figure("Photos per second", pace_svg(r.pace, {"Photos per second over time",
                                                      minutes ? "minutes at work (dashed: a pause)"
                                                              : "seconds at work (dashed: a pause)",
                                                      "photos/s"}));
  }
  out += "</div>\n";
  if (r.stages.photos > 0) {
    out +=
        "<div class=\"scroll\"><table><thead><tr><th>worker time per photo</th><th>read</th>"
        "<th>decode and blur check</th><th>caption</th></tr></thead><tbody><tr><td>mean</td><td>" +
        fixed(r.stages.read_ms, 2) + " ms</td><td>" + fixed(r.stages.decode_ms, 2) +
        " ms</td><td>" + fixed(r.stages.caption_ms, 2) + " ms</td></tr></tbody></table></div>\n";
  }
  if (r.summary.work.photos > 0) {
    out += "<p class=\"note\">" + grouped(std::llround(r.summary.work.photos_per_core_hour())) +
           " photos per core-hour of the workers, start included.</p>\n";
  }
  return out + "</section>\n";
}

std::string failures(const Report& r) {
  if (r.summary.failures.empty()) return {};
  std::string out =
      "<section id=\"failures\"><h2>Why photos failed</h2>\n<div "
      "class=\"scroll\"><table><thead><tr>"
      "<th>reason</th><th>photos</th><th class=\"left\">an example</th></tr></thead><tbody>\n";
  for (const FailureGroup& group : r.summary.failures) {
    out += "<tr><td>" + html(to_string(group.reason)) + "</td><td>" + grouped(group.images) +
           "</td><td class=\"left\">" + text(group.example_uri) + "<br><span class=\"note\">" +
           text(group.example_detail) + "</span></td></tr>\n";
  }
  return out + "</tbody></table></div></section>\n";
}

std::string data(const char* name, const std::optional<double>& value) {
  return std::string(" data-") + name + "=\"" + (value ? plain(*value) : "") + "\"";
}

std::string lower(std::string words) {
  for (char& c : words) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return words;
}

std::string card(const GalleryPhoto& p) {
  std::string galleries,
      words = p.name + " " + p.caption.value_or("") + " " + p.edited.value_or("") + " " + p.state;
  for (const std::string& name : p.galleries) galleries += (galleries.empty() ? "" : ",") + name;
  for (const std::string& caption : p.references) words += " " + caption;
  const std::optional<double> bleu4 = p.bleu ? std::optional((*p.bleu)[3]) : std::nullopt;
  std::string out = "<article class=\"photo\" data-galleries=\"" + html(galleries) +
                    "\" data-name=\"" + text(p.name) + "\" data-words=\"" + text(lower(words)) +
                    "\"" + data("blur", p.blur_score) + data("bleu", bleu4) +
                    data("cider", p.cider_d) + data("confidence", p.confidence) + ">\n";
  const std::optional<std::string>& shown = p.edited ? p.edited : p.caption;
  const std::string alt = shown.value_or("a blurred photo");
  out += p.thumbnail.empty() ? "<div class=\"gone\">the photo cannot be read now</div>"
                             : "<img loading=\"lazy\" alt=\"" + text(alt) +
                                   "\" src=\"data:image/jpeg;base64," + base64(p.thumbnail) + "\">";
  if (p.state == "unsure" && !p.edited)
    out += "<p class=\"note\">unsure, not shown in exports:</p>";
  out += shown ? "<h3>" + text(*shown) + "</h3>"
               : std::string("<h3 class=\"none\">blurred: no caption</h3>");
  if (p.edited && p.caption && p.edited != p.caption) {
    out += "<p class=\"note\">edited; the model's: " + text(*p.caption) + "</p>";
  }
  out += "<dl><dt>blur score</dt><dd>" + fixed(p.blur_score, 1) + "</dd>";
  if (p.confidence) out += "<dt>confidence</dt><dd>" + percent(*p.confidence) + " %</dd>";
  if (p.bleu) {
    out += "<dt>BLEU-1 to 4</dt><dd>";
    for (std::size_t n = 0; n < 4; ++n) out += (n == 0 ? "" : " · ") + fixed(100 * (*p.bleu)[n], 0);
    out += "</dd><dt>ROUGE-L · CIDEr-D</dt><dd>" + percent(p.rouge_l.value_or(0)) + " · " +
           percent(p.cider_d.value_or(0)) + "</dd>";
  }
  out += "</dl>";
  if (!p.references.empty()) {
    out += "<details><summary>" +
           counted(static_cast<std::int64_t>(p.references.size()), "reference caption") +
           "</summary><ul>";
    for (const std::string& caption : p.references) out += "<li>" + text(caption) + "</li>";
    out += "</ul></details>";
  }
  out += "<p class=\"name\">" + text(p.name) + "</p><p>";
  for (const std::string& name : p.galleries)
    out += "<span class=\"tag\">" + html(name) + "</span>";
  return out + "</p></article>\n";
}

/// For photos with references; the page opens with the first one.
constexpr const char* kScoreOrders =
    "<option value=\"cider down\">CIDEr-D, best first</option>"
    "<option value=\"cider up\">CIDEr-D, worst first</option>"
    "<option value=\"bleu down\">BLEU-4, best first</option>"
    "<option value=\"bleu up\">BLEU-4, worst first</option>";

std::string gallery(const Report& r) {
  if (r.gallery.empty()) return {};
  std::string names;
  for (const char* name :
       {"best", "worst", "most confident", "least confident", "most blurred", "just clear"}) {
    names += std::string("<option value=\"") + name + "\">" + name + "</option>";
  }
  std::string out =
      "<section id=\"photos\"><h2>Photos</h2>\n<div class=\"toolbar\" id=\"toolbar\" hidden>"
      "<label>show<select id=\"which\"><option value=\"\">all of these</option>" +
      names + "</select></label><label>sort by<select id=\"order\">" +
      (r.evaluation ? kScoreOrders : "") +
      "<option value=\"confidence down\">confidence, highest first</option>"
      "<option value=\"confidence up\">confidence, lowest first</option>"
      "<option value=\"blur up\">blur score, lowest first</option>"
      "<option value=\"blur down\">blur score, highest first</option>"
      "<option value=\"name\">name</option></select></label>"
      "<label>words in caption, references or name<input id=\"words\" type=\"search\"></label>"
      "<span class=\"note\" id=\"count\" aria-live=\"polite\"></span></div>\n<div "
      "class=\"gallery\" "
      "id=\"gallery\">\n";
  for (const GalleryPhoto& photo : r.gallery) out += card(photo);
  return out + "</div></section>\n";
}

std::string settings(const Report& r) {
  const RunSettings& s = r.summary.run.settings;
  const auto row = [](const char* name, const std::string& value) {
    return std::string("<tr><td>") + name + "</td><td class=\"left\">" + value + "</td></tr>\n";
  };
  std::string out =
      "<section id=\"settings\"><h2>Model and settings</h2>\n<div "
      "class=\"scroll\"><table><tbody>\n" +
      row("model", text(s.model_name) + " <code>" + html(s.model_hash) + "</code>") +
      row("beam", std::to_string(s.search.beam)) +
      row("length alpha", plain(s.search.length_alpha)) +
      row("longest caption", std::to_string(s.search.tokens_max) + " words") +
      row("blur rule", html(to_string(s.blur.mode)) + ", below " + plain(s.blur.blur_threshold) +
                           " is blurred") +
      row("unsure captions", s.min_confidence > 0 ? "confidence below " + plain(s.min_confidence)
                                                  : std::string("none"));
  if (r.evaluation) {
    out += row("references", text(r.summary.run.references_file.value_or("?")) + ", " +
                                 grouped(r.evaluation->references) + " captions") +
           row("split", text(r.summary.run.split_file.value_or("none")));
  }
  out += "</tbody></table></div>\n";
  if (!r.model_card.empty()) {
    out += "<details><summary>Model card</summary><pre>" + html(replaced(r.model_card)) +
           "</pre></details>\n";
  }
  return out + "</section>\n";
}

}  // namespace

std::string html_page(const Report& r) {
  std::string out = page::page_head("photoscribe: " + shown(r.summary.run.name)) + head(r);
  if (r.evaluation) {
    out += score_table(*r.evaluation) +
           precision_table(*r.evaluation, r.summary.run.settings.min_confidence);
    if (r.evaluation->against) out += comparison_table(*r.evaluation->against);
  }
  out += charts(r) + failures(r) + gallery(r) + settings(r);
  return out + "<script type=\"application/json\" id=\"report-data\">" +
         script_safe(to_json(r).dump()) + "</script>\n<script>\n" + kPageJs +
         "</script>\n</body></html>\n";
}

}  // namespace photoscribe::report
