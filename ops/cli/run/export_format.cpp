#include "ops/cli/run/export_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/text/base64.h"
#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "common/text/utf8.h"
#include "ops/serve/caption_json.h"
#include "scheduler/store/paths.h"

namespace photoscribe::cli {
namespace {

using nlohmann::ordered_json;

/// As it is stored: four decimals.
double rounded(float probability) {
  return std::round(static_cast<double>(probability) * 1e4) / 1e4;
}

class Csv : public ExportFormat {
 public:
  Csv(std::vector<ExportColumn> columns, const ExportRun& run, const CsvStyle& style)
      : columns_(std::move(columns)), run_(run), style_(style) {}
  std::string head() override {
    std::string out;
    for (const ExportColumn& column : columns_) add(out, column.name);
    return ended(std::move(out));
  }
  std::string row(const ResultRow& r) override {
    std::string out;
    for (const ExportColumn& column : columns_) add(out, text_of(column, r, run_.blur_mode));
    return ended(std::move(out));
  }

 private:
  void add(std::string& out, const std::string& field) const {
    out += export_field(field, style_) + style_.delimiter;
  }
  [[nodiscard]] std::string ended(std::string line) const {
    line.pop_back();
    return line + (style_.delimiter == '\t' ? "\n" : "\r\n");
  }
  std::vector<ExportColumn> columns_;
  ExportRun run_;
  CsvStyle style_;
};

class JsonLines : public ExportFormat {
 public:
  explicit JsonLines(const ExportRun& run) : run_(run) {}
  std::string row(const ResultRow& r) override { return object_of(r).dump() + "\n"; }
  [[nodiscard]] ordered_json object_of(const ResultRow& r) const {
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
        if (std::isnan(r.blur_scores->of(mode))) continue;  // measured before this mode existed
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
    put(object, "edited_caption", r.edited_caption);
    put(object, "edited_by", r.edited_by);
    object["edited_at"] = r.edited_unix_ms ? ordered_json(iso_time(r.edited_unix_ms)) : nullptr;
    for (const auto& [name, value] : r.kept) object["kept"][replaced(name)] = replaced(value);
    return object;
  }

 private:
  static void put_evidence(ordered_json& object, const ResultRow& r) {
    if (r.evidence) object["evidence"] = serve::evidence_json(*r.evidence);
    if (!r.alternatives.empty()) {
      object["alternatives"] = serve::alternatives_json(r.alternatives);
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

/// The chosen columns, numbers as numbers.
class JsonColumns : public ExportFormat {
 public:
  JsonColumns(std::vector<ExportColumn> columns, const ExportRun& run)
      : columns_(std::move(columns)), run_(run) {}
  std::string row(const ResultRow& r) override {
    const ordered_json all = JsonLines(run_).object_of(r);
    ordered_json object;
    for (const ExportColumn& column : columns_) {
      const std::string text = text_of(column, r, run_.blur_mode);
      const bool same = !column.kept && all.contains(column.source);
      object[column.name] = same           ? all[column.source]
                            : text.empty() ? ordered_json()
                                           : ordered_json(replaced(text));
    }
    return object.dump() + "\n";
  }

 private:
  std::vector<ExportColumn> columns_;
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
    if (r.caption && r.caption == r.edited_caption) {
      return line(name, score, shown(*r.caption)) + "\n";
    }
    if (r.state == "done") {
      const std::string caption = shown(r.caption.value_or(""));
      return line(name, score, caption.empty() ? "(a caption without words)" : caption) + "\n";
    }
    if (r.state == "unsure") {
      return ink_.dim(line(name, score,
                           r.caption ? "unsure: " + shown(*r.caption) : "unsure: no caption")) +
             "\n";
    }
    if (r.state == "blurred") return ink_.dim(line(name, score, "blurred: no caption")) + "\n";
    if (r.state == "pending") return ink_.dim(line(name, score, "to do")) + "\n";
    std::string why = "failed: " + r.reason.value_or("");
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

ResultRow preferring_edit(ResultRow row) {
  if (row.edited_caption) row.caption = row.edited_caption;
  return row;
}

std::string photo_name(const ResultRow& row, bool several_roots) {
  return several_roots ? row.root + "/" + row.path : row.path;
}

std::unique_ptr<ExportFormat> csv_format(const ExportRun& run, const CsvStyle& style,
                                         std::vector<ExportColumn> columns) {
  if (columns.empty()) columns = own_columns();
  return std::make_unique<Csv>(std::move(columns), run, style);
}
std::unique_ptr<ExportFormat> jsonl_format(const ExportRun& run,
                                           std::vector<ExportColumn> columns) {
  if (columns.empty()) return std::make_unique<JsonLines>(run);
  return std::make_unique<JsonColumns>(std::move(columns), run);
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
