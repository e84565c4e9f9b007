// writer: which process writes a database now, according to its lock file.
//
// It does not touch the lock: taking it, even for a moment, could make a scheduler that is just
// starting give up.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace photoscribe::cli {

/// The pid of the process that holds DATABASE.lock; none if no process does.
[[nodiscard]] std::optional<pid_t> current_writer(const std::string& database);

}  // namespace photoscribe::cli
