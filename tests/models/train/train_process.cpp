#include "tests/models/train/train_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace photoscribe::test {

Ended run_train(const std::vector<std::string>& arguments, const Interrupt& interrupt) {
  const std::string program = PHOTOSCRIBE_BIN_DIR "/photoscribe-train";
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& one : arguments) argv.push_back(const_cast<char*>(one.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  Ended ended;
  bool sent = interrupt.at_line.empty() && !interrupt.when;
  for (;;) {
    pollfd readable{ends[0], POLLIN, 0};
    const bool ready = ::poll(&readable, 1, sent ? -1 : 1) > 0;
    char some[4'096];
    const ssize_t size = ready ? ::read(ends[0], some, sizeof some) : -1;
    if (ready && size <= 0) break;
    if (ready) ended.output.append(some, static_cast<std::size_t>(size));
    const bool line = !interrupt.at_line.empty() &&
                      ("\n" + ended.output).find("\n" + interrupt.at_line) != std::string::npos;
    if (sent || !(line || (interrupt.when && interrupt.when()))) continue;
    sent = true;
    ::kill(child, interrupt.signal);
  }
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  ended.outcome = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  return ended;
}

}  // namespace photoscribe::test
