// export_columns: the columns of an export: ours, and what was kept of photos; as text, one field
// each.
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
  std::string name;    // as the heading has it
  std::string source;  // our own name, or that of the kept column
  bool kept = false;
};

/// Ours, in the order of `export --format csv`: all but alternatives, which must be asked for.
[[nodiscard]] std::vector<ExportColumn> own_columns();

/// Those of "id,photographer,caption" (a name with a comma in double quotes): ours by our name,
/// else kept ones by theirs; "kept.NAME" is a kept one in any case. Fails with usage for an unknown
/// name, saying which was probably meant and what there is.
[[nodiscard]] Expected<std::vector<ExportColumn>> choose_columns(
    const std::string& names, const std::vector<std::string>& kept);

/// Empty: no value.
[[nodiscard]] std::string text_of(const ExportColumn& column, const ResultRow& row,
                                  BlurMode run_mode);

/// The mode by which this photo was scored: the run's, but for photos that keep a score of before a
/// --redo with another.
[[nodiscard]] BlurMode blur_mode_of(const ResultRow& row, BlurMode run_mode);

/// 2026-11-23T05:15:04.123Z, or nothing.
[[nodiscard]] std::string iso_time(const std::optional<std::int64_t>& unix_ms);

struct CsvStyle {
  bool to_terminal = false;  // control characters are escaped, as in the table
  /// A text that a spreadsheet would take for a formula gets a ' in front, and all that may begin a
  /// cell elsewhere (; and tab) is quoted.
  bool safe = false;
  char delimiter = ',';
};

/// A field, quoted where it must be.
[[nodiscard]] std::string export_field(std::string_view text, const CsvStyle& style);

/// What spreadsheets compute instead of showing it: =…, +…, -…, @…, the wide forms of these, and
/// what begins with a tab or a line end. A number is none.
[[nodiscard]] bool is_formula(std::string_view text);

}  // namespace photoscribe::cli
