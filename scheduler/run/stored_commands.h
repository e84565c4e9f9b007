// stored_commands: whose a command is that stands in a database (submit --on-finish).
//
// A database may come from anywhere, and what is written in it is input. Which commands this user
// stored is therefore kept outside of it, in a file of the user's own: a scheduler calls what
// stands there, in a database that is the user's, and nothing else unless it is told to.
#pragma once

#include <string>

#include "common/core/error.h"

namespace photoscribe {

/// The folder of what photoscribe keeps for a user: $XDG_STATE_HOME/photoscribe, else
/// ~/.local/state/photoscribe, of the password file's home where $HOME says nothing.
[[nodiscard]] std::string user_state_folder();

/// Notes that this user stored `command` with run `run`. Fails with environment.
[[nodiscard]] Status remember_stored_command(const std::string& run, const std::string& command);

/// Whether this user did so, and the database's file is the user's.
[[nodiscard]] bool is_stored_by_us(const std::string& database, const std::string& run,
                                   const std::string& command);

}  // namespace photoscribe
