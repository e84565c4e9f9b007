// export_columns: the columns of an export, as text: our own, and those kept from lists and
// sidecars.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::cli {

struct ExportColumn {
  std::string name;    // in the heading
  std::string source;  // our own name, or that of the kept column
  bool kept = false;
};

/// Our own, in the order of `export --format csv`: all but alternatives, which must be asked for.
[[nodiscard]] std::vector<ExportColumn> own_columns();

/// The columns in "id,photographer,caption" (a name with a comma in double quotes): our own column
/// of that name, else the kept one; "kept.NAME" is always the kept one. Fails with usage for an
/// unknown name, suggesting the likely one and listing all.
[[nodiscard]] Expected<std::vector<ExportColumn>> choose_columns(
    const std::string& names, const std::vector<std::string>& kept);

/// Empty: no value.
[[nodiscard]] std::string text_of(const ExportColumn& column, const ResultRow& row,
                                  BlurMode run_mode);

/// The mode in which this photo was scored: the run's, unless the photo kept a score from before a
/// --redo with another mode.
[[nodiscard]] BlurMode blur_mode_of(const ResultRow& row, BlurMode run_mode);

/// 2026-11-23T05:15:04.123Z, or nothing.
[[nodiscard]] std::string iso_time(const std::optional<std::int64_t>& unix_ms);

struct CsvStyle {
  bool to_terminal = false;  // control characters are escaped, as in the table
  /// Text that a spreadsheet would take for a formula gets a ' in front, and fields with a
  /// separator of another dialect (; or tab) are quoted.
  bool safe = false;
  char delimiter = ',';
};

/// A field, quoted if necessary.
[[nodiscard]] std::string export_field(std::string_view text, const CsvStyle& style);

/// What spreadsheets compute instead of showing it: =…, +…, -…, @…, their full-width forms, and
/// text that begins with a tab or a line end. A number is not a formula.
[[nodiscard]] bool is_formula(std::string_view text);

}  // namespace photoscribe::cli
