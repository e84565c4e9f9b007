// before_change: what comes before a verb removes rows from a database: a question, and a backup.
#pragma once

#include <string>

#include "common/core/error.h"

namespace photoscribe::cli {

/// A folder of photos as the database stores it: absolute, without links or a final slash. It need
/// not exist any more.
[[nodiscard]] std::string stored_folder(const std::string& folder);

/// Whether to proceed: `yes`, or the answer at the terminal. Fails with usage without a terminal.
[[nodiscard]] Expected<bool> confirmed(bool yes, const std::string& question);

/// Copies the database to DATABASE.before-VERB-TIME; returns that name.
[[nodiscard]] Expected<std::string> copy_before(const std::string& database,
                                                const std::string& verb);

/// The command that restores that copy, as advice.
[[nodiscard]] std::string restore_hint(const std::string& database, const std::string& copy);

}  // namespace photoscribe::cli
