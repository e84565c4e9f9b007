#include "tests/end_to_end/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>

extern char** environ;

namespace photoscribe::test {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Process::Process(std::vector<std::string> argv, const std::string& folder) {
  static std::atomic<int> serial{0};
  const std::string stem = folder + "/process-" + std::to_string(serial++);
  out_path_ = stem + ".out";
  err_path_ = stem + ".err";
  std::vector<char*> words;
  for (std::string& word : argv) words.push_back(word.data());
  words.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out_path_.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err_path_.c_str(), flags, 0600);
  const int failed =
      posix_spawn(&pid_, argv.front().c_str(), &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    pid_ = -1;
    waited_ = true;
    ADD_FAILURE() << "cannot start " << argv.front();
  }
}

Process::~Process() {
  if (waited_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const { ::kill(pid_, number); }

bool Process::ended() const {
  if (waited_) return true;
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_;
}

std::string Process::err_so_far() const { return slurp(err_path_); }

Finished Process::wait(std::chrono::seconds limit) {
  if (waited_) return {};
  int status = 0;
  const bool ended = eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, limit);
  if (!ended) {
    ADD_FAILURE() << "still running after " << limit.count() << " s; its standard error:\n"
                  << slurp(err_path_);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status, 0);
  }
  waited_ = true;
  const int exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return Finished{exit_status, slurp(out_path_), slurp(err_path_)};
}

Finished run(std::vector<std::string> argv, const std::string& folder) {
  return Process(std::move(argv), folder).wait();
}

std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    // A zombie's command line is empty, so it is not found.
    if (slurp("/proc/" + name + "/cmdline").find(text) != std::string::npos)
      found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace photoscribe::test
