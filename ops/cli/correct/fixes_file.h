// fixes_file: a file of corrections, line by line: CSV, TSV or JSON Lines, as `export` writes them
// or as a person does. Reads no file and knows no archive.
//
// A line names its photo by `uri`, by `root` and `path`, by `path` alone or by `id`, and the
// caption by `edited_caption` or `caption`; other columns are passed over.
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
  /// None: the file has no such column. "" is an empty cell, or JSON's null of an edit.
  std::optional<std::string> caption, edited_caption, edited_at;
  std::string wrong;  // why the line cannot be understood; empty: it can
};

/// JSON Lines where the first thing is a `{`. Else the first line names columns; it tells the
/// separator (comma, semicolon or tab). A byte order mark is passed over. Fails with usage on what
/// makes no sense of any line: no column for photos or captions, not UTF-8.
[[nodiscard]] Expected<std::vector<FixLine>> parse_fixes(std::string_view text);

}  // namespace photoscribe::cli
