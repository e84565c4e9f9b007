#include "ops/cli/run/detach.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "common/text/safe_text.h"
#include "ops/cli/run/writer.h"
#include "scheduler/process/private_folder.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kStart = 20s;  // in which it has the database, or says why not
constexpr auto kLook = 20ms;

/// In the child, between fork and exec: nothing but system calls.
[[noreturn]] void become(char* const* argv, int log) {
  ::setsid();
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGHUP, &ignored, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv("/proc/self/exe", argv);
  ::_exit(127);
}

tl::unexpected<Error> wrong(const std::string& what) {
  return fail(Errc::environment, what + ": " + std::strerror(errno));
}

}  // namespace

std::string detached_log(const std::string& state_folder) { return state_folder + "/run.log"; }

bool ends_with_its_terminal() {
  struct sigaction now {};
  const bool ignored = ::sigaction(SIGHUP, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
  return !ignored && std::getenv("TMUX") == nullptr && std::getenv("STY") == nullptr;
}

Expected<Detached> detach(const std::vector<std::string>& words, const std::string& database,
                          const std::string& state_folder) {
  if (Status made = make_private_folder(state_folder); !made) return fail(made.error());
  Detached run;
  run.log = detached_log(state_folder);
  const Expected<FileDescriptor> log = open_private_file(run.log, O_WRONLY | O_CREAT | O_APPEND);
  if (!log) return fail(log.error());
  std::vector<std::string> all{"photoscribe"};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  run.pid = ::fork();
  if (run.pid == 0) become(argv.data(), log->get());
  if (run.pid < 0) return wrong("fork");
  const auto until = std::chrono::steady_clock::now() + kStart;
  while (std::chrono::steady_clock::now() < until) {
    int how = 0;
    if (::waitpid(run.pid, &how, WNOHANG) == run.pid) {
      run.exit_status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
      break;
    }
    // With its lock alone, `status` would still find an empty file.
    if (current_writer(database) == run.pid && Store::open_reader(database)) break;
    std::this_thread::sleep_for(kLook);
  }
  return run;
}

}  // namespace photoscribe::cli
