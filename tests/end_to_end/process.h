// process: a child process of a test, with its output captured; killed when the object goes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace photoscribe::test {

struct Finished {
  int exit_status = -1;  // 128 + signal when a signal ended it
  std::string out, err;
};

class Process {
 public:
  /// Starts `argv` (argv[0] is a path), standard input from /dev/null, output into files under
  /// `folder`.
  Process(std::vector<std::string> argv, const std::string& folder);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Whether it has; wait() still tells how.
  [[nodiscard]] bool ended() const;
  /// Waits for the end; kills it, with a test failure, after `limit`.
  Finished wait(std::chrono::seconds limit = std::chrono::seconds(120));
  /// What standard error holds so far.
  [[nodiscard]] std::string err_so_far() const;

 private:
  pid_t pid_ = -1;
  bool waited_ = false;
  std::string out_path_, err_path_;
};

/// Runs to the end.
Finished run(std::vector<std::string> argv, const std::string& folder);

/// Pids of living processes (no zombies) whose command line holds `text`.
std::vector<pid_t> processes_with(const std::string& text);

/// Calls `check` every few milliseconds until it is true; false after `limit`.
template <class Check>
bool eventually(Check check, std::chrono::seconds limit = std::chrono::seconds(60));

}  // namespace photoscribe::test

#include <thread>

template <class Check>
bool photoscribe::test::eventually(Check check, std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!check()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}
