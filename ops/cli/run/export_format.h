// export_format: results of a run as CSV, JSON Lines, COCO results or a table for people.
//
// One row at a time, so that an archive of any size is exported in constant memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "ops/cli/run/export_columns.h"
#include "ops/cli/terminal/terminal.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::cli {

class ExportFormat {
 public:
  virtual ~ExportFormat() = default;
  [[nodiscard]] virtual std::string head() { return {}; }
  [[nodiscard]] virtual std::string row(const ResultRow& row) = 0;
  [[nodiscard]] virtual std::string tail() { return {}; }
};

/// What a format must know of the whole run before its first row.
struct ExportRun {
  BlurMode blur_mode = BlurMode::full;
  bool several_roots = false;   // then a path alone does not identify a photo
  bool same_names = false;      // coco: some photos share a base name, so names are whole paths
  bool ids_from_names = false;  // coco: every name is a COCO one, and no two have the same number
};

/// RFC 4180 with a header line: the columns of view caption_result, the confidence, concepts as
/// "pizza 0.91; stop sign 0.2", and the other fields of JSON Lines that fit a column: path, detail,
/// blur_mode and the score in every mode, sha256, copied_from, hash_distance, vanished and preview
/// (of a RAW file; true or empty), and the last three columns of the view: an edit. Empty: no
/// value. With `columns`, only these.
[[nodiscard]] std::unique_ptr<ExportFormat> csv_format(const ExportRun& run = {},
                                                       const CsvStyle& style = {},
                                                       std::vector<ExportColumn> columns = {});

/// One object a line: the columns of caption_result, `path` relative to its root (with
/// `path_base64` when it is not UTF-8), `detail` of a failure, confidence, evidence, concepts,
/// `vanished`, an edit, and in `kept` what lists and sidecars said of the photo. With `columns`,
/// only these.
[[nodiscard]] std::unique_ptr<ExportFormat> jsonl_format(const ExportRun& run = {},
                                                         std::vector<ExportColumn> columns = {});

/// COCO results: [{"image_id", "caption", "file_name"}] of the captioned photos. With
/// `ids_from_names`, image_id is coco_id() of the name, else the database's id; file_name is the
/// base name if all differ, else photo_name().
[[nodiscard]] std::unique_ptr<ExportFormat> coco_format(const ExportRun& run = {});

/// For people: path, score, and caption or verdict, as wide as the terminal. `width` 0: a file or a
/// pipe, where nothing is cut.
[[nodiscard]] std::unique_ptr<ExportFormat> table_format(std::size_t width, const Ink& ink,
                                                         const ExportRun& run = {});

/// The row with a person's caption, if there is one, in place of the model's.
[[nodiscard]] ResultRow preferring_edit(ResultRow row);

/// A name that is unique in the run: the path in its root, after the root's name if there are
/// several roots.
[[nodiscard]] std::string photo_name(const ResultRow& row, bool several_roots);

/// The number of a photo of the COCO data set: "COCO_val2014_000000391895.jpg" and
/// "000000391895.jpg" are 391895. None for other names.
[[nodiscard]] std::optional<std::int64_t> coco_id(std::string_view file_name);

}  // namespace photoscribe::cli
