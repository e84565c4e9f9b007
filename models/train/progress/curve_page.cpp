#include "models/train/progress/curve_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "common/page/html.h"
#include "common/page/plot.h"
#include "common/text/human_numbers.h"

namespace photoscribe {
namespace {

using page::html;
using page::number;

std::string of_hundred(double score) { return fixed(100 * score, 1); }

std::string work_time(double seconds) {
  const auto s = static_cast<std::int64_t>(seconds);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

/// The last part of a work folder's path, or the path if several have the same.
std::vector<std::string> names_of(const std::vector<TrainingWork>& works) {
  const auto last_part = [](std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path.substr(path.rfind('/') + 1);
  };
  std::vector<std::string> names;
  std::multiset<std::string> all;
  for (const TrainingWork& work : works) all.insert(last_part(work.folder));
  for (const TrainingWork& work : works)
    names.push_back(all.count(last_part(work.folder)) > 1 ? work.folder : last_part(work.folder));
  return names;
}

/// A line of a chart: its name and its points.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
  std::vector<std::string> tips;  // one per point
};

using Value = std::function<std::optional<double>(const CurvePoint&)>;

enum class Axis : std::uint8_t { steps, seconds };

/// `value` along one training, times `scale`.
Series series_of(const TrainingWork& work, std::string name, Axis axis, double scale,
                 const Value& value) {
  Series series{std::move(name), {}, {}};
  const auto steps = total_steps(work.curve);
  for (std::size_t i = 0; i < work.curve.points.size(); ++i) {
    const CurvePoint& point = work.curve.points[i];
    const auto y = value(point);
    if (!y) continue;
    series.points.emplace_back(
        axis == Axis::steps ? static_cast<double>(steps[i]) : point.seconds / 60, scale * *y);
    series.tips.push_back(fmt::format("{}, {}, {}: {:.4g}", series.name, place_text(point),
                                      work_time(point.seconds), scale * *y));
  }
  return series;
}

std::string legend(const std::vector<Series>& all) {
  if (all.size() < 2) return {};
  std::string out = "<p class=\"legend\">";
  for (std::size_t i = 0; i < all.size(); ++i)
    out += "<span><i class=\"key s" + std::to_string(i % page::kSeriesColours) + "\"></i>" +
           html(all[i].name) + "</span>";
  return out + "</p>";
}

/// The vertical span of the series: from zero, or from near the least if that is far from zero.
page::Span span_of(const std::vector<Series>& all) {
  double least = 0, most = 0;
  bool first = true;
  for (const Series& series : all) {
    for (const auto& [x, y] : series.points) {
      least = first ? y : std::min(least, y);
      most = first ? y : std::max(most, y);
      first = false;
    }
  }
  if (least < 0 || (least > 0 && most - least < 0.5 * least)) {
    const double margin = std::max(0.1 * (most - least), 0.02 * std::max(least, -least));
    return {least - margin, most + margin};
  }
  return {0, most > 0 ? 1.05 * most : 1};
}

struct Boundary {
  double at = 0;
  std::string stage;
};

/// Where stages begin, for one training only: several would be confusing.
std::vector<Boundary> boundaries_of(const std::vector<TrainingWork>& works) {
  std::vector<Boundary> boundaries;
  if (works.size() != 1) return boundaries;
  const auto steps = total_steps(works[0].curve);
  const auto& points = works[0].curve.points;
  for (std::size_t i = 1; i < points.size(); ++i)
    if (points[i].stage != points[i - 1].stage)
      boundaries.push_back({static_cast<double>(steps[i - 1]), points[i].stage});
  return boundaries;
}

std::string figure(const std::string& caption, const std::vector<Series>& all, Axis axis,
                   const std::string& y_label, const std::vector<Boundary>& boundaries, double to) {
  if (std::all_of(all.begin(), all.end(), [](const Series& one) { return one.points.empty(); }))
    return {};
  page::Plot plot({0, to}, span_of(all),
                  {caption, axis == Axis::steps ? "steps" : "minutes of training", y_label});
  plot.ticks();
  if (axis == Axis::steps)
    for (const Boundary& one : boundaries) plot.vertical(one.at, "pause", one.stage);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string style = "s" + std::to_string(i % page::kSeriesColours);
    plot.curve(all[i].points, style);
    for (std::size_t k = 0; k < all[i].points.size(); ++k)
      plot.dot(all[i].points[k].first, all[i].points[k].second, all[i].tips[k], style, 3);
  }
  return "<figure><figcaption>" + html(caption) + "</figcaption>" + plot.take() + legend(all) +
         "</figure>\n";
}

/// Whether a stage's number is a reward instead of a loss: the critic's, and what followed one.
bool is_reward(const std::vector<CurvePoint>& points, const CurvePoint& point) {
  if (point.stage != "whole") return point.stage == "critic";
  return std::any_of(points.begin(), points.end(),
                     [](const CurvePoint& one) { return one.stage == "critic"; });
}

class Charts {
 public:
  explicit Charts(const std::vector<TrainingWork>& works)
      : works_(works), names_(names_of(works)), boundaries_(boundaries_of(works)) {}

  [[nodiscard]] std::string all() const {
    std::string out = "<section id=\"charts\"><h2>Curves</h2>\n<div class=\"charts\">\n";
    for (const bool reward : {false, true}) {
      out += each(reward ? "Mean reward" : "Loss", Axis::steps, 1,
                  reward ? "reward" : "loss per token", [reward](const auto& work) -> Value {
                    return [reward, &points = work.curve.points](const CurvePoint& point) {
                      return is_reward(points, point) == reward ? std::optional(point.loss)
                                                                : std::nullopt;
                    };
                  });
    }
    out += works_.size() == 1 ? bleu_together() : bleu_apart();
    for (const Axis axis : {Axis::steps, Axis::seconds}) {
      const char* over = axis == Axis::steps ? "" : " over time";
      if (axis == Axis::seconds) out += score("BLEU-4 over time", axis, bleu(3));
      out += score(std::string("CIDEr-D") + over, axis,
                   [](const CurvePoint& point) { return point.cider; });
    }
    out += each("Learning rate", Axis::steps, 1, "rate", [](const auto&) -> Value {
      return [](const CurvePoint& point) { return std::optional(point.rate); };
    });
    return out + "</div></section>\n";
  }

 private:
  /// Where the axis of every chart ends.
  [[nodiscard]] double end(Axis axis) const {
    double most = 0;
    for (const TrainingWork& work : works_)
      most =
          std::max(most, axis == Axis::steps ? static_cast<double>(total_steps(work.curve).back())
                                             : work.curve.points.back().seconds / 60);
    return most;
  }

  static Value bleu(std::size_t n) {
    return [n](const CurvePoint& point) { return std::optional(point.bleu[n]); };
  }

  template <class ValueOf>
  [[nodiscard]] std::string each(const std::string& caption, Axis axis, double scale,
                                 const std::string& y_label, const ValueOf& value_of) const {
    std::vector<Series> all;
    for (std::size_t i = 0; i < works_.size(); ++i)
      all.push_back(series_of(works_[i], names_[i], axis, scale, value_of(works_[i])));
    return figure(caption, all, axis, y_label, boundaries_, end(axis));
  }

  [[nodiscard]] std::string score(const std::string& caption, Axis axis, const Value& value) const {
    return each(caption, axis, 100, "of 100", [&value](const auto&) { return value; });
  }

  [[nodiscard]] std::string bleu_together() const {
    std::vector<Series> all;
    for (std::size_t n = 4; n-- > 0;)
      all.push_back(
          series_of(works_[0], "BLEU-" + std::to_string(n + 1), Axis::steps, 100, bleu(n)));
    return figure("BLEU-1 to 4", all, Axis::steps, "of 100", boundaries_, end(Axis::steps));
  }

  [[nodiscard]] std::string bleu_apart() const {
    std::string out;
    for (std::size_t n = 4; n-- > 0;)
      out += score("BLEU-" + std::to_string(n + 1), Axis::steps, bleu(n));
    return out;
  }

  const std::vector<TrainingWork>& works_;
  std::vector<std::string> names_;
  std::vector<Boundary> boundaries_;
};

std::string tile(const std::string& shown, const std::string& what) {
  return "<div class=\"tile\"><b>" + html(shown) + "</b><span>" + html(what) + "</span></div>\n";
}

std::string head(const std::vector<TrainingWork>& works, const std::string& made_at) {
  const auto names = names_of(works);
  std::string out = "<header><h1>Training " + html(names.front());
  for (std::size_t i = 1; i < names.size(); ++i) out += ", " + html(names[i]);
  out += "</h1>\n<p class=\"meta\">as of " + html(made_at) + "</p>\n<div class=\"tiles\">\n";
  for (std::size_t i = 0; i < works.size(); ++i) {
    const CurvePoint& best = best_point(works[i].curve);
    const std::string of = works.size() > 1 ? names[i] + ": " : "";
    out += tile(of_hundred(best.bleu[3]), of + "BLEU-4, best, " + place_text(best));
    if (best.cider) out += tile(of_hundred(*best.cider), of + "CIDEr-D there");
    out += tile(work_time(works[i].curve.points.back().seconds), of + "of training");
  }
  out += "</div>\n";
  for (const TrainingWork& work : works)
    for (const std::string& note : work.curve.notes)
      out += "<p class=\"note\">" + html(note) + "</p>\n";
  return out + "</header>\n";
}

std::string score_table(const TrainingWork& work, const std::string& name) {
  std::string out = "<details><summary>" + html(name) +
                    ": every score</summary>\n<div "
                    "class=\"scroll\"><table><thead><tr><th>at</th><th>step</th><th>rate</th>"
                    "<th>loss, reward</th><th>BLEU-1</th><th>BLEU-2</th><th>BLEU-3</th>"
                    "<th>BLEU-4</th><th>CIDEr-D</th><th>time</th></tr></thead><tbody>\n";
  const CurvePoint& best = best_point(work.curve);
  for (const CurvePoint& point : work.curve.points) {
    out += std::string(&point == &best ? "<tr class=\"ours\">" : "<tr>") + "<td>" +
           html(place_text(point)) + "</td><td>" + std::to_string(point.step) + "</td><td>" +
           number(point.rate) + "</td><td>" + number(point.loss) + "</td>";
    for (const double score : point.bleu) out += "<td>" + of_hundred(score) + "</td>";
    out += "<td>" + (point.cider ? of_hundred(*point.cider) : std::string("–")) + "</td><td>" +
           work_time(point.seconds) + "</td></tr>\n";
  }
  return out + "</tbody></table></div></details>\n";
}

/// A training's caption of a photo over the scores at which it stayed the same.
struct CaptionSpan {
  std::string from, to;  // places
  std::string caption;
};

std::vector<CaptionSpan> caption_history(const TrainingWork& work, const std::string& photo) {
  std::vector<CaptionSpan> history;
  for (std::size_t i = 0; i < work.captions.size(); ++i) {
    const auto found = work.captions[i].find(photo);
    if (found == work.captions[i].end()) continue;
    const std::string place = place_text(work.curve.points[i]);
    if (history.empty() || history.back().caption != found->second)
      history.push_back({place, place, found->second});
    history.back().to = place;
  }
  return history;
}

/// The dev photos to show, evenly spread over those with captions.
std::vector<std::string> photos_to_show(const std::vector<TrainingWork>& works,
                                        std::size_t photos_max) {
  std::set<std::string> captioned;
  for (const TrainingWork& work : works)
    for (const NamedCaptions& captions : work.captions)
      for (const auto& [photo, caption] : captions) captioned.insert(photo);
  std::vector<std::string> all, some;
  for (const TrainingWork& work : works)
    for (const std::string& photo : work.dev)
      if (captioned.erase(photo) > 0) all.push_back(photo);
  all.insert(all.end(), captioned.begin(), captioned.end());
  const std::size_t count = std::min(photos_max, all.size());
  for (std::size_t i = 0; i < count; ++i) some.push_back(all[i * all.size() / count]);
  return some;
}

std::string caption_card(const std::vector<TrainingWork>& works,
                         const std::vector<std::string>& names, const std::string& photo) {
  std::string out = "<article class=\"photo\"><p class=\"name\">" + html(photo) + "</p>";
  const std::vector<std::string>* references = nullptr;
  for (std::size_t i = 0; i < works.size(); ++i) {
    const auto history = caption_history(works[i], photo);
    if (history.empty()) continue;
    if (works.size() > 1) out += "<p class=\"note\">" + html(names[i]) + "</p>";
    out += "<ol class=\"sayings\">";
    for (const CaptionSpan& one : history)
      out += "<li><small>" + html(one.from == one.to ? one.from : one.from + " to " + one.to) +
             "</small>" + html(one.caption) + "</li>";
    out += "</ol>";
    if (const auto found = works[i].references.find(photo);
        references == nullptr && found != works[i].references.end())
      references = &found->second;
  }
  if (references != nullptr) {
    out += "<p class=\"note\">people:</p><ul>";
    for (const std::string& caption : *references) out += "<li>" + html(caption) + "</li>";
    out += "</ul>";
  }
  return out + "</article>\n";
}

std::string caption_cards(const std::vector<TrainingWork>& works, std::size_t photos_max) {
  const auto photos = photos_to_show(works, photos_max);
  if (photos.empty()) return {};
  const auto names = names_of(works);
  std::string out =
      "<section id=\"captions\"><h2>What it said about dev photos</h2>\n<div class=\"gallery\">\n";
  for (const std::string& photo : photos) out += caption_card(works, names, photo);
  return out + "</div></section>\n";
}

}  // namespace

std::string curve_page(const std::vector<TrainingWork>& works, std::size_t photos_max,
                       const std::string& made_at) {
  const auto names = names_of(works);
  std::string out = page::page_head("photoscribe-train: " + names.front()) + head(works, made_at) +
                    Charts(works).all() + "<section id=\"scores\"><h2>Scores</h2>\n";
  for (std::size_t i = 0; i < works.size(); ++i) out += score_table(works[i], names[i]);
  return out +
         "<p class=\"note\">On the dev photos, of 100. The weights kept are those of the bold row: "
         "the best BLEU-4 of the last stage, unless fit was told --select-by cider.</p>"
         "</section>\n" +
         caption_cards(works, photos_max) + "</body></html>\n";
}

nlohmann::json curve_json(const std::vector<TrainingWork>& works) {
  auto all = nlohmann::json::array();
  for (const TrainingWork& work : works) {
    nlohmann::json one{{"work", work.folder},
                       {"notes", work.curve.notes},
                       {"best", place_text(best_point(work.curve))},
                       {"dev", work.dev},
                       {"references", work.references},
                       {"scores", nlohmann::json::array()}};
    const auto steps = total_steps(work.curve);
    for (std::size_t i = 0; i < work.curve.points.size(); ++i) {
      const CurvePoint& p = work.curve.points[i];
      nlohmann::json row{{"stage", p.stage},       {"epoch", p.epoch},
                         {"step", p.step},         {"rate", p.rate},
                         {"total_step", steps[i]}, {"loss", p.loss},
                         {"bleu", p.bleu},         {"seconds", p.seconds},
                         {"cider", nullptr},       {"captions", work.captions[i]}};
      if (p.cider) row["cider"] = *p.cider;
      one["scores"].push_back(std::move(row));
    }
    all.push_back(std::move(one));
  }
  return {{"trainings", std::move(all)}};
}

std::string curve_table(const std::vector<TrainingWork>& works) {
  std::string out = "scores  time            BLEU-1 to 4              CIDEr-D  best at, work\n";
  for (const TrainingWork& work : works) {
    const CurvePoint& best = best_point(work.curve);
    out +=
        fmt::format("{:6}  {:14}  {:5.1f} {:5.1f} {:5.1f} {:5.1f}  {:>7}  {}, {}\n",
                    work.curve.points.size(), work_time(work.curve.points.back().seconds),
                    100 * best.bleu[0], 100 * best.bleu[1], 100 * best.bleu[2], 100 * best.bleu[3],
                    best.cider ? of_hundred(*best.cider) : "-", place_text(best), work.folder);
  }
  return out;
}

}  // namespace photoscribe
