// stored_commands: who stored a command that is in a database (submit --on-finish).
//
// A database may come from anywhere, and what is in it is untrusted input. Which commands this user
// stored is therefore kept outside of it, in a file of the user's own: a scheduler runs what is
// listed there, in a database of that user's, and nothing else unless told to.
#pragma once

#include <string>

#include "common/core/error.h"

namespace photoscribe {

/// The folder of photoscribe's data of a user: $XDG_STATE_HOME/photoscribe, else
/// ~/.local/state/photoscribe, in the home of the password file if $HOME is unset.
[[nodiscard]] std::string user_state_folder();

/// Notes that this user stored `command` with run `run`. Fails with environment.
[[nodiscard]] Status remember_stored_command(const std::string& run, const std::string& command);

/// Whether this user did so, and the database's file is the user's.
[[nodiscard]] bool is_stored_by_us(const std::string& database, const std::string& run,
                                   const std::string& command);

}  // namespace photoscribe
