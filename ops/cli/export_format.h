// export_format: results of a run as CSV, JSON lines, COCO results or a table for the eye.
//
// One row at a time, so that an archive of any size passes through in constant memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "ops/cli/terminal.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::cli {

class ExportFormat {
 public:
  virtual ~ExportFormat() = default;
  [[nodiscard]] virtual std::string head() { return {}; }
  [[nodiscard]] virtual std::string row(const ResultRow& row) = 0;
  [[nodiscard]] virtual std::string tail() { return {}; }
};

struct CsvStyle {
  bool to_terminal = false;  // control characters are escaped, as in the table
  /// A text that a spreadsheet would take for a formula gets a ' in front, and all that may begin a
  /// cell elsewhere (; and tab) is quoted.
  bool safe = false;
};

/// RFC 4180 with a header line: the columns of view caption_result, the confidence, and concepts as
/// "pizza 0.91; stop sign 0.2". Empty: no value.
[[nodiscard]] std::unique_ptr<ExportFormat> csv_format(const CsvStyle& style = {});

/// One object a line: the columns of caption_result, `path` relative to its root (with
/// `path_base64` when it is not UTF-8), `detail` of a failure, confidence, evidence, concepts, and
/// `vanished`.
[[nodiscard]] std::unique_ptr<ExportFormat> jsonl_format();

/// COCO results: [{"image_id", "caption", "file_name"}] of the captioned photos. With
/// `ids_from_names`, image_id is coco_id() of the name, else the database's id.
[[nodiscard]] std::unique_ptr<ExportFormat> coco_format(bool ids_from_names);

/// For a person: name, verdict, score and caption, as wide as the terminal.
[[nodiscard]] std::unique_ptr<ExportFormat> table_format(std::size_t width, const Ink& ink);

/// The number of a photo of the COCO data set: "COCO_val2014_000000391895.jpg" and
/// "000000391895.jpg" are 391895. None for other names.
[[nodiscard]] std::optional<std::int64_t> coco_id(std::string_view file_name);

}  // namespace photoscribe::cli
