#include "ops/cli/calibrate/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "common/core/spec.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"

namespace photoscribe::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::uint64_t kSeed = 12345;

/// Four significant digits: thresholds span many orders of magnitude.
std::string short_number(double value) { return plain(value, 4); }

void evaluate(Calibration& result) {
  std::vector<std::vector<double>> values;
  for (CalibratedScore& score : result.scores) {
    score.curve = roc_curve(result.photos, score.values);
    score.area = roc_area(result.photos, score.values);
    score.youden = youden_point(score.curve);
    score.at_rate = point_at_false_rejects(score.curve, result.false_reject_rate);
  }
  std::stable_sort(result.scores.begin(), result.scores.end(),
                   [](const auto& a, const auto& b) { return a.area > b.area; });
  for (const CalibratedScore& score : result.scores) values.push_back(score.values);
  const auto best = std::find_if(result.scores.begin(), result.scores.end(),
                                 [](const CalibratedScore& score) { return score.is_mode; });
  result.best = static_cast<std::size_t>(best - result.scores.begin());
  const auto areas = resampled_areas(result.photos, values, result.resamples, kSeed);
  for (std::size_t which = 0; which < result.scores.size(); ++which) {
    result.scores[which].interval = middle_95(areas[which]);
    std::vector<double> behind;
    for (std::size_t i = 0; i < areas[which].size(); ++i)
      behind.push_back(areas[result.best][i] - areas[which][i]);
    result.scores[which].behind_best = middle_95(std::move(behind));
  }
}

ordered_json point_json(const OperatingPoint& point) {
  return {{"threshold", point.threshold},
          {"caught", point.caught},
          {"false_rejects", point.false_rejects}};
}

std::int64_t blurred_count(const Calibration& c) {
  return std::count(c.photos.blurred.begin(), c.photos.blurred.end(), true);
}

}  // namespace

Expected<Calibration> calibrate(
    const std::vector<Label>& labels, const std::vector<std::string>& columns,
    const std::map<std::string, std::map<std::string, double>>& measured, double false_reject_rate,
    bool prefer_rate, int resamples) {
  Calibration result;
  result.false_reject_rate = false_reject_rate;
  result.prefer_rate = prefer_rate;
  result.resamples = resamples;
  result.scores.resize(kBlurModes.size() + columns.size());
  for (std::size_t i = 0; i < result.scores.size(); ++i) {
    result.scores[i].is_mode = i < kBlurModes.size();
    result.scores[i].name = result.scores[i].is_mode ? std::string(to_string(kBlurModes[i]))
                                                     : columns[i - kBlurModes.size()];
  }
  std::unordered_map<std::string, std::uint32_t> groups;
  for (const Label& label : labels) {
    const auto scores = measured.find(label.file);
    if (scores == measured.end()) continue;
    result.files.push_back(label.file);
    result.photos.blurred.push_back(label.blurred);
    const std::string group = label.group.empty() ? "\x1f" + label.file : label.group;
    result.photos.group.push_back(
        groups.try_emplace(group, static_cast<std::uint32_t>(groups.size())).first->second);
    for (std::size_t i = 0; i < kBlurModes.size(); ++i)
      result.scores[i].values.push_back(scores->second.at(result.scores[i].name));
    for (std::size_t i = 0; i < columns.size(); ++i)
      result.scores[kBlurModes.size() + i].values.push_back(label.columns[i]);
  }
  result.photos.groups = static_cast<std::uint32_t>(groups.size());
  const std::int64_t blurred = blurred_count(result);
  if (blurred == 0 || blurred == std::ssize(result.files)) {
    return fail(Errc::usage,
                "of the labelled photos " + std::to_string(blurred) + " blurred and " +
                    std::to_string(std::ssize(result.files) - blurred) +
                    " clear ones could be measured; both kinds are needed. Is --photos "
                    "the folder that the names are relative to?");
  }
  evaluate(result);
  return result;
}

const OperatingPoint& chosen_point(const Calibration& c) {
  const CalibratedScore& best = c.scores[c.best];
  return c.prefer_rate ? best.at_rate : best.youden;
}

std::string config_lines(const Calibration& c) {
  return "blur:\n  mode: " + c.scores[c.best].name +
         "\n  blur_threshold: " + short_number(chosen_point(c).threshold) + "\n";
}

std::vector<MisclassifiedPhoto> misclassified_photos(const Calibration& c, std::size_t each_max) {
  const CalibratedScore& best = c.scores[c.best];
  const double threshold = chosen_point(c).threshold;
  std::vector<MisclassifiedPhoto> clear, blurred;
  for (std::size_t i = 0; i < c.files.size(); ++i) {
    const bool called_blurred = best.values[i] < threshold;
    if (called_blurred == c.photos.blurred[i]) continue;
    (c.photos.blurred[i] ? blurred : clear).push_back({i, c.photos.blurred[i], best.values[i]});
  }
  std::sort(clear.begin(), clear.end(),
            [](const auto& a, const auto& b) { return a.score < b.score; });
  std::sort(blurred.begin(), blurred.end(),
            [](const auto& a, const auto& b) { return a.score > b.score; });
  clear.resize(std::min(clear.size(), each_max));
  blurred.resize(std::min(blurred.size(), each_max));
  clear.insert(clear.end(), blurred.begin(), blurred.end());
  return clear;
}

std::string calibration_text(const Calibration& c, const Ink& ink) {
  std::string text =
      counted(std::ssize(c.files), "photo") + ": " + std::to_string(blurred_count(c)) +
      " blurred, " + std::to_string(std::ssize(c.files) - blurred_count(c)) + " clear; " +
      counted(c.photos.groups, "group") + ", " + std::to_string(c.resamples) + " resamples\n\n";
  const std::string rate = short_number(c.false_reject_rate * 100) + " %";
  text += fmt::format("{:12} {:24}  {:31}  at most {} false rejects\n", "", "area under the ROC",
                      "Youden's best", rate);
  text += fmt::format("{:12} {:24}  {:>9} {:>8} {:>12}  {:>9} {:>8}\n", "score", "[95 % interval]",
                      "threshold", "caught", "false rej.", "threshold", "caught");
  for (std::size_t i = 0; i < c.scores.size(); ++i) {
    const CalibratedScore& s = c.scores[i];
    const std::string area =
        fmt::format("{:.4f} [{:.4f}, {:.4f}]", s.area, s.interval.low, s.interval.high);
    const std::string row = fmt::format("{:12} {:24}  {:>9} {:7.1f}% {:11.1f}%  {:>9} {:7.1f}%\n",
                                        shown(s.name), area, short_number(s.youden.threshold),
                                        s.youden.caught * 100, s.youden.false_rejects * 100,
                                        short_number(s.at_rate.threshold), s.at_rate.caught * 100);
    text += i == c.best ? ink.bold(row) : row;
  }
  text += "\nHow far the others are behind " + c.scores[c.best].name + " (area, 95 % interval):\n";
  for (std::size_t i = 0; i < c.scores.size(); ++i) {
    if (i == c.best) continue;
    const AreaInterval& gap = c.scores[i].behind_best;
    text += "  " + shown(c.scores[i].name) + ": [" + fixed(gap.low, 4) + ", " + fixed(gap.high, 4) +
            "]" +
            (gap.low > 0    ? ""
             : gap.high < 0 ? ", better than every mode here"
                            : ", no clear difference") +
            "\n";
  }
  if (!c.not_measured.empty()) {
    text += "\n" + counted(std::ssize(c.not_measured), "photo") +
            " could not be measured, such as " + shown(c.not_measured.front()) + "\n";
  }
  return text + "\nIn the configuration file:\n\n" + config_lines(c);
}

std::string calibration_json(const Calibration& c) {
  ordered_json scores = ordered_json::array();
  for (const CalibratedScore& s : c.scores) {
    scores.push_back({{"name", replaced(s.name)},
                      {"is_mode", s.is_mode},
                      {"area", s.area},
                      {"interval", {s.interval.low, s.interval.high}},
                      {"behind_best", {s.behind_best.low, s.behind_best.high}},
                      {"youden", point_json(s.youden)},
                      {"at_false_reject_rate", point_json(s.at_rate)}});
  }
  ordered_json failed = ordered_json::array();
  for (const std::string& one : c.not_measured) failed.push_back(replaced(one));
  const ordered_json object{{"photos", c.files.size()},
                            {"blurred", blurred_count(c)},
                            {"groups", c.photos.groups},
                            {"resamples", c.resamples},
                            {"seed", kSeed},
                            {"false_reject_rate", c.false_reject_rate},
                            {"scores", scores},
                            {"best", c.scores[c.best].name},
                            {"chosen", point_json(chosen_point(c))},
                            {"config", config_lines(c)},
                            {"not_measured", failed}};
  return object.dump() + "\n";
}

}  // namespace photoscribe::cli
