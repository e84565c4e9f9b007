#include "ops/cli/run/detach.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include "common/text/safe_text.h"
#include "ops/cli/run/writer.h"
#include "scheduler/process/private_folder.h"
#include "scheduler/process/program.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kStart = 20s;  // to open the database or fail
constexpr auto kLook = 20ms;

/// What a word names that only this process has: standard input, or a descriptor such as a shell's
/// <(…).
std::optional<std::string> only_here(const std::string& word) {
  const std::string path = word.starts_with("--") ? word.substr(word.find('=') + 1) : word;
  for (const char* const place : {"/dev/fd/", "/proc/self/fd/"})
    if (path.starts_with(place)) return path;
  if (path == "-" || path == "/dev/stdin") return "standard input";
  return std::nullopt;
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
  for (const std::string& word : words) {
    if (const auto what = only_here(word)) {
      return fail(Errc::usage, *what +
                                   " ends with this command, and --detach goes on without it: " +
                                   "write it to a file, and name that");
    }
  }
  if (Status made = make_private_folder(state_folder); !made) return fail(made.error());
  Detached run;
  run.log = detached_log(state_folder);
  const Expected<FileDescriptor> log = open_private_file(run.log, O_WRONLY | O_CREAT | O_APPEND);
  if (!log) return fail(log.error());
  ProgramOptions program;
  program.executable = "/proc/self/exe";
  program.words = {"photoscribe"};
  program.words.insert(program.words.end(), words.begin(), words.end());
  program.group = ProgramOptions::Group::own_session;
  program.ignores_hangup = true;
  run.pid = Program(std::move(program)).start({-1, log->get(), log->get()});
  if (run.pid < 0) {
    return fail(Errc::environment, std::string("start photoscribe: ") + std::strerror(errno));
  }
  const auto until = std::chrono::steady_clock::now() + kStart;
  while (std::chrono::steady_clock::now() < until) {
    int how = 0;
    if (::waitpid(run.pid, &how, WNOHANG) == run.pid) {
      run.exit_status = shell_status_of(how);
      break;
    }
    // When it only has the lock, `status` would still find an empty file.
    if (current_writer(database) == run.pid && Store::open_reader(database)) break;
    std::this_thread::sleep_for(kLook);
  }
  return run;
}

}  // namespace photoscribe::cli
