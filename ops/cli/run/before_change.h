// before_change: what stands before a verb takes rows of a database away: a question, and a copy to
// go back to.
#pragma once

#include <string>

#include "common/core/error.h"

namespace photoscribe::cli {

/// A folder of photos as the database has it: whole, without links, without a slash at its end; it
/// need not be there any more.
[[nodiscard]] std::string stored_folder(const std::string& folder);

/// Whether to proceed: `yes`, or what a person answers at the terminal. Fails with usage where
/// nobody can be asked.
[[nodiscard]] Expected<bool> confirmed(bool yes, const std::string& question);

/// Copies the database beside itself, as DATABASE.before-VERB-TIME; the copy's name.
[[nodiscard]] Expected<std::string> copy_before(const std::string& database,
                                                const std::string& verb);

/// How to go back to that copy.
[[nodiscard]] std::string restore_hint(const std::string& database, const std::string& copy);

}  // namespace photoscribe::cli
