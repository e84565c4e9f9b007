// writer: which process writes a database now, according to its lock file.
//
// Looks without touching the lock: trying to take it, even for a moment, could make a scheduler
// that starts just then give up.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace photoscribe::cli {

/// The pid of the process that holds DATABASE.lock; none when nobody does.
[[nodiscard]] std::optional<pid_t> current_writer(const std::string& database);

}  // namespace photoscribe::cli
