// fixes: what the lines of a file of corrections change in an archive: all of them, or nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/cli/correct/fixes_file.h"

namespace photoscribe::cli {

/// parse_fixes() of a whole file, "-" for standard input. Fails with usage, naming the file.
[[nodiscard]] Expected<std::vector<FixLine>> read_fixes(const std::string& file);

/// What one line asks for; none: it says what the archive says.
struct Fix {
  EditAction action = EditAction::set;
  std::string caption;  // of set
  bool operator==(const Fix&) const = default;
};

/// A line of an export that nobody changed asks for nothing. `edited_caption` counts before
/// `caption`; emptied where the photo has an edit, it takes the edit away, as no empty `caption`
/// does. Fails with usage on a caption that cannot be one, on two different ones, and, unless
/// `overwrite`, where `edited_at` is not that of the photo's edit: somebody edited it since.
[[nodiscard]] Expected<std::optional<Fix>> fix_of(const FixLine& line, const CaptionNow& now,
                                                  bool overwrite);

struct FixChange {
  NewEdit edit;
  std::optional<std::string> before;  // as it was shown
};
struct FixPlan {
  std::int64_t lines = 0, unchanged = 0;
  std::vector<FixChange> changes;
  std::vector<std::string> wrong;  // "line 7: …": nothing may be changed while there is one
};
/// Changes nothing.
[[nodiscard]] Expected<FixPlan> plan_fixes(Edits& edits, const std::vector<FixLine>& lines,
                                           bool overwrite);

/// 2026-11-28T23:05:07.123Z, as the views have it.
[[nodiscard]] std::string iso_time_of(std::int64_t unix_ms);

}  // namespace photoscribe::cli
