// fixes_file: a file of corrections, line by line: CSV, TSV or JSON Lines, as `export` writes them
// or as a person does. It opens neither files nor databases.
//
// A line names its photo by `uri`, by `root` and `path`, by `path` alone or by `id`, and the
// caption by `edited_caption` or `caption`; other columns are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "scheduler/store/edits.h"

namespace photoscribe::cli {

struct FixLine {
  std::int64_t line = 0;  // in the file, from 1
  Edits::Named photo;
  /// None: the file has no such column. "": an empty cell, or JSON's null.
  std::optional<std::string> caption, edited_caption, edited_at;
  std::string wrong;  // why the line cannot be parsed; empty: it can
};

/// JSON Lines if the text begins with `{`. Otherwise the first line names the columns, and the
/// separator (comma, semicolon or tab) is found from it. A byte order mark is skipped. Fails with
/// usage on what concerns every line: no column for photos or captions, not UTF-8.
[[nodiscard]] Expected<std::vector<FixLine>> parse_fixes(std::string_view text);

}  // namespace photoscribe::cli
