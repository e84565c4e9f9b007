// detach: a run that survives its terminal: the same program, in a session of its own, with its
// output in the state folder.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"

namespace photoscribe::cli {

struct Detached {
  pid_t pid = 0;
  std::string log;                 // in the state folder
  std::optional<int> exit_status;  // it has ended already
};

/// Starts this program again with `words` (argv without the program's name), its standard input
/// closed and its output appended to `state_folder`/run.log. Returns once it has created or opened
/// the database or has ended. Fails with usage for a word that names what only this process has
/// (standard input, /dev/fd/N), else with environment.
[[nodiscard]] Expected<Detached> detach(const std::vector<std::string>& words,
                                        const std::string& database,
                                        const std::string& state_folder);

/// The log of a detached run with that state folder.
[[nodiscard]] std::string detached_log(const std::string& state_folder);

/// Whether closing this terminal would end the run: SIGHUP is not ignored, and neither tmux nor
/// screen holds the terminal.
[[nodiscard]] bool ends_with_its_terminal();

}  // namespace photoscribe::cli
