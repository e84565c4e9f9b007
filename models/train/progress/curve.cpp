#include "models/train/progress/curve.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/scores/caption_file.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 10> kColumns{"stage", "epoch", "step",  "rate",  "loss",
                                               "bleu1", "bleu2", "bleu3", "bleu4", "seconds"};

std::vector<std::string> fields_of(std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::optional<double> number_in(const std::string& field) {
  double value = 0;
  const char* end = field.data() + field.size();
  const auto read = std::from_chars(field.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// A row with the columns of `kColumns` and, perhaps, one more.
std::optional<CurvePoint> point_of(const std::vector<std::string>& fields, bool with_cider) {
  if (fields.size() != kColumns.size() + (with_cider ? 1 : 0)) return std::nullopt;
  CurvePoint point;
  point.stage = fields[0];
  if (point.stage != "decoder" && point.stage != "critic" && point.stage != "whole")
    return std::nullopt;
  std::array<double, kColumns.size() - 1> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto value = number_in(fields[i + 1]);
    if (!value) return std::nullopt;
    numbers[i] = *value;
  }
  point.epoch = static_cast<std::int64_t>(numbers[0]);
  point.step = static_cast<std::int64_t>(numbers[1]);
  point.rate = numbers[2];
  point.loss = numbers[3];
  std::copy_n(numbers.begin() + 4, 4, point.bleu.begin());
  point.seconds = numbers[8];
  if (!with_cider || fields.back().empty()) return point;
  point.cider = number_in(fields.back());
  return point.cider ? std::optional(point) : std::nullopt;
}

Expected<std::string> text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(Errc::invalid_config, path + ": cannot be read");
  return text.str();
}

/// Why a folder without a curve has none, and what to name instead.
std::string why_no_curve(const std::string& folder) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored))
    return folder +
           ": no such folder; name the work folder of a training (fit --work, else OUTPUT.work)";
  if (!fs::is_directory(folder, ignored))
    return folder + ": is not a folder; name the work folder of a training";
  if (fs::exists(folder + "/model.yaml", ignored)) {
    std::string plain = folder;
    while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
    return folder + ": is a model, not a work folder" +
           (fs::is_directory(plain + ".work", ignored) ? "; name " + plain + ".work"
                                                       : "; its training's is fit --work's");
  }
  if (fs::exists(folder + "/checkpoint.safetensors", ignored) ||
      fs::exists(folder + "/dev.txt", ignored) || fs::exists(folder + "/features.train", ignored))
    return folder +
           ": nothing has been scored yet, so there is nothing to plot; fit scores at the "
           "end of an epoch";
  return folder + ": is not a work folder of photoscribe-train fit: it has no curve.csv";
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

/// One {"id": NAME, "caption": TEXT} per line; other lines are left out.
NamedCaptions captions_in(const std::string& path) {
  NamedCaptions captions;
  for (const std::string& line : lines_of(path)) {
    const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object() || !object.contains("id") || !object["id"].is_string() ||
        !object.contains("caption") || !object["caption"].is_string())
      continue;
    captions[object["id"].get<std::string>()] = object["caption"].get<std::string>();
  }
  return captions;
}

Status read_references_into(TrainingWork& work, const std::string& file) {
  if (file.empty()) return {};
  auto all = read_references(file);
  if (!all) return fail(all.error());
  for (NamedReferences& one : *all) work.references[one.file_name] = std::move(one.captions);
  return {};
}

}  // namespace

Expected<Curve> parse_curve(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  const auto header = fields_of(line);
  const bool with_cider = header.size() == kColumns.size() + 1 && header.back() == "cider";
  if (header.size() < kColumns.size() ||
      !std::equal(kColumns.begin(), kColumns.end(), header.begin()) ||
      (header.size() > kColumns.size() && !with_cider))
    return fail(Errc::invalid_config,
                name +
                    ": is not a curve of photoscribe-train fit: its first line is not "
                    "stage,epoch,step,rate,loss,bleu1,…,bleu4,seconds,cider");
  Curve curve;
  for (std::int64_t number = 2; std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    if (auto point = point_of(fields_of(line), with_cider)) {
      curve.points.push_back(std::move(*point));
    } else {
      curve.notes.push_back(name + ", line " + std::to_string(number) +
                            ": is incomplete or malformed, and skipped");
    }
  }
  return curve;
}

Expected<TrainingWork> read_training(const std::string& folder, const std::string& references) {
  const std::string path = folder + "/curve.csv";
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return fail(Errc::invalid_config, why_no_curve(folder));
  const auto text = text_of(path);
  if (!text) return fail(text.error());
  if (text->empty())
    return fail(Errc::invalid_config,
                path + ": is empty; fit rewrites it at the training's next score");
  auto curve = parse_curve(*text, path);
  if (!curve) return fail(curve.error());
  if (curve->points.empty()) return fail(Errc::invalid_config, path + ": has no score yet");
  TrainingWork work{folder, std::move(*curve), lines_of(folder + "/dev.txt"), {}, {}};
  bool any = false;
  for (const CurvePoint& point : work.curve.points) {
    work.captions.push_back(captions_in(folder + "/captions/" + point.stage + "-" +
                                        std::to_string(point.step) + ".jsonl"));
    any |= !work.captions.back().empty();
  }
  if (!any)
    work.curve.notes.push_back(folder +
                               ": has no dev captions; trainings of this version write them");
  const std::string own = folder + "/references.jsonl";
  if (Status s = read_references_into(
          work, references.empty() && fs::exists(own, ignored) ? own : references);
      !s)
    return fail(s.error());
  return work;
}

std::vector<std::int64_t> total_steps(const Curve& curve) {
  std::vector<std::int64_t> steps;
  std::int64_t before = 0;
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    if (i > 0 && curve.points[i].stage != curve.points[i - 1].stage) before = steps.back();
    steps.push_back(before + curve.points[i].step);
  }
  return steps;
}

const CurvePoint& best_point(const Curve& curve) {
  const CurvePoint* best = &curve.points.front();
  for (const CurvePoint& point : curve.points)
    if (point.stage != best->stage || point.bleu[3] > best->bleu[3]) best = &point;
  return *best;
}

std::string place_text(const CurvePoint& point) {
  return point.stage == "decoder" ? "epoch " + std::to_string(point.epoch)
                                  : point.stage + ", step " + std::to_string(point.step);
}

}  // namespace photoscribe
