// fixes: what the lines of a file of corrections change in an archive: all of them, or nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/cli/correct/fixes_file.h"

namespace photoscribe::cli {

/// parse_fixes() on a whole file; "-" is standard input. Fails with usage, naming the file.
[[nodiscard]] Expected<std::vector<FixLine>> read_fixes(const std::string& file);

/// The change that one line asks for.
struct Fix {
  EditAction action = EditAction::set;
  std::string caption;  // of set
  bool operator==(const Fix&) const = default;
};

/// None for a line of an export that nobody changed. `edited_caption` takes precedence over
/// `caption`; emptied where the photo has an edit, it removes the edit, which an empty `caption`
/// does not. Fails with usage on an invalid caption, on two different ones and, unless `overwrite`,
/// where `edited_at` is not that of the photo's edit: somebody has edited it since.
[[nodiscard]] Expected<std::optional<Fix>> fix_of(const FixLine& line, const CaptionNow& now,
                                                  bool overwrite);

struct FixChange {
  NewEdit edit;
  std::optional<std::string> before;  // the caption shown before
};
struct FixPlan {
  std::int64_t lines = 0, unchanged = 0;
  std::vector<FixChange> changes;
  std::vector<std::string> wrong;  // "line 7: …"; unless empty, nothing may be changed
};
/// What the lines would change; changes nothing itself.
[[nodiscard]] Expected<FixPlan> plan_fixes(Edits& edits, const std::vector<FixLine>& lines,
                                           bool overwrite);

/// 2026-11-28T23:05:07.123Z, as in the database's views.
[[nodiscard]] std::string iso_time_of(std::int64_t unix_ms);

}  // namespace photoscribe::cli
