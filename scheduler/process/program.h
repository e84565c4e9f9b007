// program: how other programs are started and waited for. No shell is involved.
//
// A program gets the three descriptors that it is given and none else of ours (the database's lock
// and other children's pipes must not live on in it), and every signal unblocked and at its
// default.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

/// "NAME=VALUE" of this process, those alone of which `keeps` is true.
[[nodiscard]] std::vector<std::string> own_environment(
    const std::function<bool(std::string_view)>& keeps = [](std::string_view) { return true; });

/// The path of an executable file, or empty. A name without a slash is looked up in PATH as the
/// shell would.
[[nodiscard]] std::string find_executable(const std::string& name);

struct ProgramOptions {
  std::string executable;          // a path
  bool search_path = false;        // a name in PATH, too
  std::vector<std::string> words;  // with the program's name in front
  std::vector<std::string> environment = own_environment();
  enum class Group : std::uint8_t {
    ours,
    own,         // Ctrl-C reaches us and not it
    own_session  // nor does the end of our terminal
  } group = Group::ours;
  bool ignores_hangup = false;
  bool dies_with_parent = false;  // SIGKILL, when the thread that started it ends
};

/// What become its standard input, output and error; -1: /dev/null.
struct Streams {
  int in = -1, out = -1, err = -1;
};

/// Everything that starting takes, made beforehand.
class Program {
 public:
  explicit Program(ProgramOptions options);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// The process, which has become the program; -1 where that failed: see errno. Calls only what
  /// POSIX allows in a forked copy of a program with threads.
  [[nodiscard]] pid_t start(Streams streams) const noexcept;

 private:
  [[noreturn]] void become(Streams streams, int failure, pid_t parent) const noexcept;

  ProgramOptions options_;
  std::vector<char*> argv_, environment_;
};

/// This process becomes the program at `words[0]`, a path. Returns only when that failed.
[[nodiscard]] Error become_program(std::vector<std::string> words);

/// Waits for the end of a child; its status as of waitpid(2).
int reap(pid_t child) noexcept;
/// As a shell says it: 128 + signal when one ended it.
[[nodiscard]] int shell_status_of(int wait_status) noexcept;

/// For a forked process that goes on by itself: every signal unblocked and at its default.
void reset_signals() noexcept;
/// Closes every descriptor from `first` on.
void close_descriptors_from(int first) noexcept;

}  // namespace photoscribe
