#include "scheduler/process/child_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "scheduler/process/private_folder.h"

extern char** environ;

namespace photoscribe {
namespace {

/// Owns what posix_spawn wants initialised and destroyed.
struct SpawnSettings {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
};

/// Ours, less the withheld ones, and `added`. The strings stay where they are.
std::vector<char*> environment_of(const std::vector<std::string>& withheld,
                                  std::vector<std::string>& added) {
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (std::find(withheld.begin(), withheld.end(), name) == withheld.end()) kept.push_back(*entry);
  }
  for (std::string& entry : added) kept.push_back(entry.data());
  kept.push_back(nullptr);
  return kept;
}

void fill(SpawnSettings& settings, int stdin_read, int log) {
  ::posix_spawn_file_actions_adddup2(&settings.files, stdin_read, 0);
  ::posix_spawn_file_actions_adddup2(&settings.files, log, 1);
  ::posix_spawn_file_actions_adddup2(&settings.files, log, 2);
  // The database's lock and other children's pipes must not live on in a worker.
  ::posix_spawn_file_actions_addclosefrom_np(&settings.files, 3);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&settings.attributes, &none);
  ::posix_spawnattr_setsigdefault(&settings.attributes, &all);
  ::posix_spawnattr_setpgroup(&settings.attributes, 0);
  ::posix_spawnattr_setflags(
      &settings.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

}  // namespace

Expected<ChildProcess> ChildProcess::spawn(const ChildCommand& command) {
  const Expected<FileDescriptor> log =
      open_private_file(command.log_file, O_WRONLY | O_CREAT | O_APPEND);
  if (!log) return fail(log.error());
  Pipe to_child = open_pipe();
  if (!to_child.read.valid()) {
    return fail(Errc::environment, "pipe: " + std::string(std::strerror(errno)));
  }
  std::vector<std::string> words{command.executable};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::vector<std::string> added = command.environment;
  const std::vector<char*> environment = environment_of(command.withheld, added);
  SpawnSettings settings;
  fill(settings, to_child.read.get(), log->get());
  pid_t pid = -1;
  const auto spawn = command.search_path ? ::posix_spawnp : ::posix_spawn;
  const int error = spawn(&pid, command.executable.c_str(), &settings.files, &settings.attributes,
                          argv.data(), environment.data());
  if (error != 0) {
    return fail(Errc::environment,
                "start " + command.executable + ": " + std::string(std::strerror(error)));
  }
  return ChildProcess(pid, std::move(to_child.write));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      stdin_write_(std::move(other.stdin_write_)),
      started_(other.started_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    stdin_write_ = std::move(other.stdin_write_);
    started_ = other.started_;
  }
  return *this;
}

ChildProcess::~ChildProcess() { end(); }

void ChildProcess::end() noexcept {
  close_stdin();
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

std::optional<ChildEnd> ChildProcess::poll() {
  if (pid_ <= 0) return std::nullopt;
  int status = 0;
  const pid_t got = ::waitpid(pid_, &status, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) return std::nullopt;
  ChildEnd end;
  end.alive = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started_);
  if (got == pid_ && WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (got == pid_ && WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  pid_ = -1;
  close_stdin();
  return end;
}

void ChildProcess::signal(int number) const noexcept {
  if (pid_ > 0) ::kill(pid_, number);
}

}  // namespace photoscribe
