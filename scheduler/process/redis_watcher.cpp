#include "scheduler/process/redis_watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <utility>
#include <vector>

#include "scheduler/process/private_folder.h"

extern char** environ;

namespace photoscribe {
namespace {

std::vector<std::string> server_arguments(const RedisLaunch& launch) {
  return {launch.executable,
          "--port",
          "0",
          "--unixsocket",
          launch.folder + "/redis.sock",
          "--unixsocketperm",
          "700",
          "--dir",
          launch.folder,
          "--save",
          "",
          "--appendonly",
          "no",
          "--maxmemory",
          "0",
          "--maxmemory-policy",
          "noeviction",
          "--databases",
          "1",
          "--daemonize",
          "no",
          "--loglevel",
          "notice"};
}

/// Ours, less the password of other servers; and a locale that exists everywhere, because the
/// server refuses to start under one that does not.
std::vector<std::string> server_environment() {
  std::vector<std::string> kept{"LC_ALL=C"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (text.rfind("LC_ALL=", 0) == 0 || text.find("_PASSWORD") != std::string::npos) continue;
    kept.push_back(text);
  }
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Everything that a forked process needs, made before the fork: no allocation afterwards.
struct Prepared {
  char* const* argv;
  char* const* environment;
  const char* folder;
  const char* socket;
  int life_read, report_write, log;
};

[[noreturn]] void become_server(const Prepared& prepared, pid_t watcher) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != watcher) ::_exit(1);  // it died before the line above
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, 0);
  ::dup2(prepared.log, 1);
  ::dup2(prepared.log, 2);
  ::syscall(SYS_close_range, 3U, ~0U, 0U);
  ::execve(prepared.argv[0], prepared.argv, prepared.environment);
  ::_exit(127);
}

/// True when the parent is gone, false when the server ended by itself.
bool parent_ends_first(int life_read, pid_t server) {
  const auto server_gone = static_cast<int>(::syscall(SYS_pidfd_open, server, 0));
  for (;;) {
    pollfd watched[2] = {{life_read, POLLIN, 0}, {server_gone, POLLIN, 0}};
    // Without process descriptors (an old kernel) the server is looked at every 200 ms.
    const int ready = ::poll(watched, server_gone >= 0 ? 2 : 1, server_gone >= 0 ? -1 : 200);
    if (ready > 0 && watched[0].revents != 0) {
      char byte = 0;
      if (::read(life_read, &byte, 1) <= 0) return true;  // end of file
    }
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(server), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == server) {
      return false;
    }
  }
}

[[noreturn]] void become_watcher(const Prepared& prepared) {
  ::setpgid(0, 0);  // Ctrl-C in the terminal is the parent's to answer
  reset_signals();
  ::signal(SIGPIPE, SIG_IGN);
  // The parent's descriptors, its database lock among them, must not live on here.
  const int kept[3] = {::dup2(prepared.life_read, 0), ::dup2(prepared.report_write, 1),
                       ::dup2(prepared.log, 2)};
  if (kept[0] < 0 || kept[1] < 0 || kept[2] < 0) ::_exit(1);
  ::syscall(SYS_close_range, 3U, ~0U, 0U);
  Prepared here = prepared;
  here.life_read = 0;
  here.report_write = 1;
  here.log = 2;

  const pid_t self = ::getpid();
  const pid_t server = ::fork();
  if (server == 0) become_server(here, self);
  if (server < 0 || ::write(here.report_write, &server, sizeof server) != sizeof server) {
    if (server > 0) ::kill(server, SIGKILL);
    ::_exit(1);
  }
  ::close(here.report_write);
  const bool parent_gone = parent_ends_first(here.life_read, server);
  ::kill(server, SIGKILL);  // it holds nothing that SQLite has not
  int status = 0;
  while (::waitpid(server, &status, 0) < 0 && errno == EINTR) {
  }
  ::unlink(here.socket);
  if (parent_gone) ::rmdir(here.folder);  // else it is needed for the restart
  ::_exit(0);
}

tl::unexpected<Error> system_failure(const std::string& operation) {
  return fail(Errc::environment, operation + ": " + std::strerror(errno));
}

}  // namespace

Expected<WatchedRedis> launch_watched_redis(const RedisLaunch& launch) {
  std::vector<std::string> arguments = server_arguments(launch), variables = server_environment();
  const std::vector<char*> argv = pointers(arguments), environment = pointers(variables);
  const std::string socket = launch.folder + "/redis.sock";

  const Expected<FileDescriptor> log =
      open_private_file(launch.log_file, O_WRONLY | O_CREAT | O_APPEND);
  if (!log) return fail(log.error());
  Pipe life = open_pipe(), report = open_pipe();
  if (!life.read.valid() || !report.read.valid()) return system_failure("pipe");

  const Prepared prepared{argv.data(),    environment.data(), launch.folder.c_str(),
                          socket.c_str(), life.read.get(),    report.write.get(),
                          log->get()};
  const pid_t watcher = ::fork();
  if (watcher < 0) return system_failure("fork");
  if (watcher == 0) become_watcher(prepared);
  report.write.reset();

  WatchedRedis started;
  started.watcher = watcher;
  ssize_t got = 0;
  do {
    got = ::read(report.read.get(), &started.server, sizeof started.server);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof started.server) started.server = -1;  // seen as a watcher that has ended
  started.life_write = std::move(life.write);
  return started;
}

}  // namespace photoscribe
