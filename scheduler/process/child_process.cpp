#include "scheduler/process/child_process.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "scheduler/process/private_folder.h"
#include "scheduler/process/program.h"

namespace photoscribe {
namespace {

ProgramOptions program_of(const ChildCommand& command) {
  const auto keeps = [&](std::string_view entry) {
    const std::string_view name = entry.substr(0, entry.find('='));
    return std::find(command.withheld.begin(), command.withheld.end(), name) ==
           command.withheld.end();
  };
  ProgramOptions program;
  program.executable = command.executable;
  program.search_path = command.search_path;
  program.words = {command.executable};
  program.words.insert(program.words.end(), command.arguments.begin(), command.arguments.end());
  program.environment = own_environment(keeps);
  program.environment.insert(program.environment.end(), command.environment.begin(),
                             command.environment.end());
  program.group = ProgramOptions::Group::own;
  return program;
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
  const Program program(program_of(command));
  Streams streams;
  streams.in = to_child.read.get();
  streams.out = streams.err = log->get();
  const pid_t pid = program.start(streams);
  if (pid < 0) {
    return fail(Errc::environment,
                "start " + command.executable + ": " + std::string(std::strerror(errno)));
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
  reap(std::exchange(pid_, -1));
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
