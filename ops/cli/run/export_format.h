// export_format: results of a run as CSV, JSON lines, COCO results or a table for the eye.
//
// One row at a time, so that an archive of any size passes through in constant memory.
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
  bool several_roots = false;   // then a path alone does not say which photo it is
  bool same_names = false;      // coco: photos of one base name are distinguished by their paths
  bool ids_from_names = false;  // coco: every name is a COCO one, and no two have one number
};

/// RFC 4180 with a header line: the columns of view caption_result, the confidence, concepts as
/// "pizza 0.91; stop sign 0.2", and what JSON Lines have besides that fits a column: path, detail,
/// blur_mode and the score in every mode, sha256, copied_from, hash_distance, vanished and preview
/// (of a RAW file; true or empty), and the last three columns of the view: an edit. Empty: no
/// value. Or these columns alone.
[[nodiscard]] std::unique_ptr<ExportFormat> csv_format(const ExportRun& run = {},
                                                       const CsvStyle& style = {},
                                                       std::vector<ExportColumn> columns = {});

/// One object a line: the columns of caption_result, `path` relative to its root (with
/// `path_base64` when it is not UTF-8), `detail` of a failure, confidence, evidence, concepts,
/// `vanished`, an edit, and in `kept` what came beside the photo; or these columns alone.
[[nodiscard]] std::unique_ptr<ExportFormat> jsonl_format(const ExportRun& run = {},
                                                         std::vector<ExportColumn> columns = {});

/// COCO results: [{"image_id", "caption", "file_name"}] of the captioned photos. With
/// `ids_from_names`, image_id is coco_id() of the name, else the database's id; file_name is a base
/// name where all differ, else photo_name().
[[nodiscard]] std::unique_ptr<ExportFormat> coco_format(const ExportRun& run = {});

/// For a person: path, verdict, score and caption, as wide as the terminal. 0: a file or a pipe,
/// where nothing is cut.
[[nodiscard]] std::unique_ptr<ExportFormat> table_format(std::size_t width, const Ink& ink,
                                                         const ExportRun& run = {});

/// What a person made of the caption counts before what the model said.
[[nodiscard]] ResultRow preferring_edit(ResultRow row);

/// What distinguishes a photo of the run from all others: its path in its root, behind the root's
/// name where there are several.
[[nodiscard]] std::string photo_name(const ResultRow& row, bool several_roots);

/// The number of a photo of the COCO data set: "COCO_val2014_000000391895.jpg" and
/// "000000391895.jpg" are 391895. None for other names.
[[nodiscard]] std::optional<std::int64_t> coco_id(std::string_view file_name);

}  // namespace photoscribe::cli
