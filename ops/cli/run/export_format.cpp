#include "ops/cli/run/export_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/text/base64.h"
#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "common/text/utf8.h"
#include "scheduler/store/paths.h"

namespace photoscribe::cli {
namespace {

using nlohmann::ordered_json;

/// The shortest text that reads back as the same number.
std::string exact(double value) {
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

template <class T>
std::string or_empty(const std::optional<T>& value) {
  if (!value) return {};
  if constexpr (std::is_same_v<T, std::string>) {
    return *value;
  } else if constexpr (std::is_same_v<T, double>) {
    return exact(*value);
  } else {
    return std::to_string(*value);
  }
}

/// As it is stored: four decimals.
double rounded(float probability) {
  return std::round(static_cast<double>(probability) * 1e4) / 1e4;
}

/// 2026-11-23T05:15:04.123Z, or nothing.
std::string iso_time(const std::optional<std::int64_t>& unix_ms) {
  if (!unix_ms) return {};
  const std::time_t seconds = static_cast<std::time_t>(*unix_ms / 1000);
  std::tm utc{};
  char date[32];
  if (gmtime_r(&seconds, &utc) == nullptr) return {};
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", date, *unix_ms % 1000);
}

/// The score of one mode, as CSV has it; empty where it was not measured.
std::string score_in(const ResultRow& r, BlurMode mode) {
  if (!r.blur_scores || std::isnan(r.blur_scores->of(mode))) return {};
  return exact(r.blur_scores->of(mode));
}

/// What spreadsheets compute instead of showing it: =…, +…, -…, @…, the wide forms of these, and
/// what begins with a tab or a line end. A number is none.
bool is_formula(std::string_view text) {
  const auto first = text.find_first_not_of(" \"'");
  if (first == std::string_view::npos) return false;
  const std::string_view begins = text.substr(first);
  constexpr std::array<std::string_view, 11> kBegins{"=",  "+",  "-",  "@",  "\t", "\r",
                                                     "\n", "＝", "＋", "－", "＠"};
  if (std::none_of(kBegins.begin(), kBegins.end(),
                   [&](std::string_view one) { return begins.starts_with(one); }))
    return false;
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec != std::errc() || read.ptr != text.data() + text.size();
}

class Csv : public ExportFormat {
 public:
  Csv(const ExportRun& run, const CsvStyle& style) : run_(run), style_(style) {}
  std::string head() override {
    return "run,root,uri,state,reason,blur_score,blur_threshold,caption,log_prob,bleu1,bleu2,bleu3,"
           "bleu4,width,height,model,worker,finished_at,confidence,concepts,path,detail,blur_mode,"
           "blur_full,blur_normalised,blur_tile_max,blur_edges,blur_learned,sha256,copied_from,"
           "hash_distance,vanished,preview\r\n";
  }
  std::string row(const ResultRow& r) override {
    std::string out;
    for (const std::string& field : {r.run,
                                     r.root,
                                     r.uri,
                                     r.state,
                                     or_empty(r.reason),
                                     or_empty(r.blur_score),
                                     exact(r.blur_threshold),
                                     or_empty(r.caption),
                                     or_empty(r.log_prob),
                                     or_empty(r.bleu[0]),
                                     or_empty(r.bleu[1]),
                                     or_empty(r.bleu[2]),
                                     or_empty(r.bleu[3]),
                                     or_empty(r.width_px),
                                     or_empty(r.height_px),
                                     r.model,
                                     or_empty(r.worker),
                                     iso_time(r.finished_unix_ms),
                                     or_empty(r.confidence),
                                     concepts(r),
                                     r.path,
                                     or_empty(r.detail),
                                     std::string(to_string(blur_mode_of(r, run_.blur_mode))),
                                     score_in(r, BlurMode::full),
                                     score_in(r, BlurMode::normalised),
                                     score_in(r, BlurMode::tile_max),
                                     score_in(r, BlurMode::edges),
                                     score_in(r, BlurMode::learned),
                                     or_empty(r.sha256),
                                     or_empty(r.copied_from),
                                     or_empty(r.hash_distance),
                                     std::string(r.vanished ? "true" : ""),
                                     std::string(r.preview ? "true" : "")}) {
      add(out, field);
    }
    out.back() = '\r';
    return out + "\n";
  }

 private:
  /// "pizza 0.91; stop sign 0.2"
  static std::string concepts(const ResultRow& r) {
    std::string out;
    for (const Concept& one : r.concepts)
      out += (out.empty() ? "" : "; ") + one.word + " " + exact(rounded(one.probability));
    return out;
  }
  void add(std::string& out, const std::string& field) const {
    std::string text = style_.to_terminal ? shown(field) : replaced(field);
    if (style_.safe && is_formula(text)) text.insert(0, 1, '\'');
    const char* const quoted = style_.safe ? ",\"\r\n;\t" : ",\"\r\n";
    out += csv_field(text, quoted) + ",";
  }
  ExportRun run_;
  CsvStyle style_;
};

class JsonLines : public ExportFormat {
 public:
  explicit JsonLines(const ExportRun& run) : run_(run) {}
  std::string row(const ResultRow& r) override {
    ordered_json object;
    object["run"] = replaced(r.run);
    object["root"] = replaced(r.root);
    object["uri"] = replaced(r.uri);
    object["path"] = replaced(r.path);
    if (!is_valid_utf8(r.path)) object["path_base64"] = base64(r.path);
    object["state"] = r.state;
    put(object, "reason", r.reason);
    put(object, "detail", r.detail);
    put(object, "blur_score", r.blur_score);
    object["blur_mode"] = to_string(blur_mode_of(r, run_.blur_mode));
    object["blur_threshold"] = r.blur_threshold;
    if (r.blur_scores) {
      for (const BlurMode mode : kBlurModes) {
        if (std::isnan(r.blur_scores->of(mode))) continue;  // measured before there was this mode
        object["blur_scores"][std::string(to_string(mode))] = r.blur_scores->of(mode);
      }
    }
    put(object, "caption", r.caption);
    put(object, "log_prob", r.log_prob);
    put(object, "confidence", r.confidence);
    put_evidence(object, r);
    for (std::size_t n = 0; n < r.bleu.size(); ++n) {
      put(object, "bleu" + std::to_string(n + 1), r.bleu[n]);
    }
    put(object, "width", r.width_px);
    put(object, "height", r.height_px);
    if (r.preview) object["preview"] = true;
    put(object, "sha256", r.sha256);
    if (r.copied_from) {
      object["copied_from"] = replaced(*r.copied_from);
      put(object, "hash_distance", r.hash_distance);
    }
    object["model"] = r.model;
    put(object, "worker", r.worker);
    object["finished_at"] =
        r.finished_unix_ms ? ordered_json(iso_time(r.finished_unix_ms)) : nullptr;
    if (r.vanished) object["vanished"] = true;
    return object.dump() + "\n";
  }

 private:
  static void put_evidence(ordered_json& object, const ResultRow& r) {
    if (const auto& e = r.evidence) {
      object["evidence"] = {{"word_log_prob_min", e->word_log_prob_min},
                            {"beam_agreement", e->beam_agreement},
                            {"mentioned_min", e->mentioned_min},
                            {"unmentioned_max", e->unmentioned_max},
                            {"novelty", e->novelty}};
    }
    object["concepts"] = ordered_json::array();
    for (const Concept& one : r.concepts) {
      object["concepts"].push_back(
          {{"word", replaced(one.word)}, {"probability", rounded(one.probability)}});
    }
  }
  template <class T>
  static void put(ordered_json& object, const std::string& key, const std::optional<T>& value) {
    if (!value) {
      object[key] = nullptr;
    } else if constexpr (std::is_same_v<T, std::string>) {
      object[key] = replaced(*value);
    } else {
      object[key] = *value;
    }
  }
  ExportRun run_;
};

class Coco : public ExportFormat {
 public:
  explicit Coco(const ExportRun& run) : run_(run) {}
  std::string head() override { return "["; }
  std::string row(const ResultRow& r) override {
    if (!r.caption) return {};
    const std::string_view base = photo_base_name(r.path, r.archive_bytes);
    const std::string name =
        run_.same_names ? photo_name(r, run_.several_roots) : std::string(base);
    const std::optional<std::int64_t> number = run_.ids_from_names ? coco_id(base) : std::nullopt;
    ordered_json object{{"image_id", number.value_or(r.image_id)},
                        {"caption", replaced(*r.caption)},
                        {"file_name", replaced(name)}};
    std::string out = (first_ ? "\n" : ",\n") + object.dump();
    first_ = false;
    return out;
  }
  std::string tail() override { return "\n]\n"; }

 private:
  ExportRun run_;
  bool first_ = true;
};

class Table : public ExportFormat {
 public:
  Table(std::size_t width, const Ink& ink, const ExportRun& run)
      : name_width_(width == 0 ? 40 : std::clamp<std::size_t>(width / 4, 12, 40)),
        name_width_max_(width == 0 ? kUncut : std::max(name_width_, width / 2)),
        width_(width == 0 ? kUncut : width),
        score_name_("blur_" + std::string(to_string(run.blur_mode))),
        ink_(ink),
        run_(run) {}
  std::string head() override { return ink_.bold(line("photo", score_name_, "caption")) + "\n"; }
  std::string row(const ResultRow& r) override {
    const std::string name = cut_start(shown(photo_name(r, run_.several_roots)), name_width_max_);
    const std::string score = r.blur_score ? fixed(*r.blur_score, 1) : "";
    if (r.state == "done") {
      const std::string caption = shown(or_empty(r.caption));
      return line(name, score, caption.empty() ? "(a caption without words)" : caption) + "\n";
    }
    if (r.state == "unsure") {
      return ink_.dim(line(name, score,
                           r.caption ? "unsure: " + shown(*r.caption) : "unsure: no caption")) +
             "\n";
    }
    if (r.state == "blurred") return ink_.dim(line(name, score, "blurred: no caption")) + "\n";
    if (r.state == "pending") return ink_.dim(line(name, score, "to do")) + "\n";
    std::string why = "failed: " + or_empty(r.reason);
    if (r.detail) why += ", " + shown(*r.detail);
    return ink_.red(line(name, score, why)) + "\n";
  }

 private:
  [[nodiscard]] std::string line(const std::string& name, const std::string& score,
                                 const std::string& text) const {
    const std::size_t score_width = std::max<std::size_t>(10, score_name_.size());
    std::string out = name + std::string(name_width_ - std::min(name_width_, columns(name)), ' ');
    out +=
        "  " + std::string(score_width - std::min(score_width, score.size()), ' ') + score + "  ";
    const std::size_t left = width_ > columns(out) + 20 ? width_ - columns(out) : 20;
    return out + cut_end(text, left);
  }
  static constexpr std::size_t kUncut = 1U << 30;
  std::size_t name_width_, name_width_max_, width_;  // a longer name moves the rest of its line
  std::string score_name_;
  Ink ink_;
  ExportRun run_;
};

}  // namespace

BlurMode blur_mode_of(const ResultRow& row, BlurMode run_mode) {
  if (!row.blur_score || !row.blur_scores) return run_mode;
  if (*row.blur_score == row.blur_scores->of(run_mode)) return run_mode;
  for (const BlurMode mode : kBlurModes) {
    if (*row.blur_score == row.blur_scores->of(mode)) return mode;
  }
  return run_mode;
}

std::string photo_name(const ResultRow& row, bool several_roots) {
  return several_roots ? row.root + "/" + row.path : row.path;
}

std::unique_ptr<ExportFormat> csv_format(const ExportRun& run, const CsvStyle& style) {
  return std::make_unique<Csv>(run, style);
}
std::unique_ptr<ExportFormat> jsonl_format(const ExportRun& run) {
  return std::make_unique<JsonLines>(run);
}
std::unique_ptr<ExportFormat> coco_format(const ExportRun& run) {
  return std::make_unique<Coco>(run);
}
std::unique_ptr<ExportFormat> table_format(std::size_t width, const Ink& ink,
                                           const ExportRun& run) {
  return std::make_unique<Table>(width, ink, run);
}

std::optional<std::int64_t> coco_id(std::string_view file_name) {
  constexpr std::size_t kDigits = 12;
  std::string_view stem = file_name.substr(0, file_name.rfind('.'));
  if (stem.starts_with("COCO_")) stem = stem.substr(stem.rfind('_') + 1);
  std::int64_t number = 0;
  const auto parsed = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  if (stem.size() != kDigits || parsed.ptr != stem.data() + stem.size() || number < 0) {
    return std::nullopt;
  }
  return number;
}

}  // namespace photoscribe::cli
