// child_process: one worker process that ends when we do.
//
// Its standard input is a pipe that only we hold open: end of file there means that the parent is
// gone, however it died. It has a process group of its own, so that Ctrl-C reaches us and not it.
// No shell is involved. Nothing here blocks, except the destructor of a child that still runs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"
#include "scheduler/process/restart_policy.h"

namespace photoscribe {

struct ChildCommand {
  std::string executable;  // a path; PATH is not searched, unless:
  bool search_path = false;
  std::vector<std::string> arguments;    // without the program's name
  std::string log_file;                  // standard output and error are appended to it
  std::vector<std::string> withheld;     // environment variables that it does not inherit
  std::vector<std::string> environment;  // "NAME=VALUE", beside those it inherits
};

class ChildProcess {
 public:
  /// Fails with environment, naming the executable or the log.
  [[nodiscard]] static Expected<ChildProcess> spawn(const ChildCommand& command);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  /// Kills a child that still runs, and reaps it.
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// How it ended, once, after it did; none while it runs.
  [[nodiscard]] std::optional<ChildEnd> poll();
  [[nodiscard]] bool running() const { return pid_ > 0; }
  void signal(int number) const noexcept;
  /// The child reads end of file: hand back and end.
  void close_stdin() noexcept { stdin_write_.reset(); }

 private:
  ChildProcess(pid_t pid, FileDescriptor stdin_write)
      : pid_(pid), stdin_write_(std::move(stdin_write)) {}
  void end() noexcept;

  pid_t pid_ = -1;  // -1 once reaped
  FileDescriptor stdin_write_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace photoscribe
