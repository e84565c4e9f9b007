#include "scheduler/run/stored_commands.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "common/core/sha256.h"
#include "scheduler/process/private_folder.h"

namespace photoscribe {
namespace {

constexpr std::size_t kCommandsMax = 800;  // of 65 bytes: within what is read at once

std::string home_folder() {
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home == '/') return home;
  std::array<char, 4096> space{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::geteuid(), &entry, space.data(), space.size(), &found);
  return found != nullptr ? found->pw_dir : "/nonexistent";
}

std::string list_of_commands() { return user_state_folder() + "/on_finish.commands"; }

/// Of both, so that another run of a database from elsewhere cannot have it.
std::string line_of(const std::string& run, const std::string& command) {
  const std::string both = run + '\0' + command;
  return to_hex(sha256_of(both.data(), both.size()));
}

std::vector<std::string> listed() {
  std::istringstream list(read_private_file(list_of_commands()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(list, line);) lines.push_back(line);
  return lines;
}

bool is_in(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

}  // namespace

std::string user_state_folder() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  const bool given = state != nullptr && *state == '/';
  return (given ? std::string(state) : home_folder() + "/.local/state") + "/photoscribe";
}

Status remember_stored_command(const std::string& run, const std::string& command) {
  if (Status made = make_private_folder(user_state_folder(), "XDG_STATE_HOME"); !made) return made;
  const std::string line = line_of(run, command);
  const std::vector<std::string> lines = listed();
  if (is_in(lines, line)) return {};
  if (lines.size() < kCommandsMax) return append_private_file(list_of_commands(), line + "\n");
  std::string newest;  // the older half is forgotten: what is read back has a limit
  for (std::size_t i = lines.size() / 2; i < lines.size(); ++i) newest += lines[i] + "\n";
  return write_private_file(list_of_commands(), newest + line + "\n");
}

bool is_stored_by_us(const std::string& database, const std::string& run,
                     const std::string& command) {
  struct ::stat file {};
  return ::stat(database.c_str(), &file) == 0 && file.st_uid == ::geteuid() &&
         is_in(listed(), line_of(run, command));
}

}  // namespace photoscribe
