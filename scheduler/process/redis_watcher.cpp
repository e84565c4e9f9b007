#include "scheduler/process/redis_watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <utility>
#include <vector>

#include "scheduler/process/private_folder.h"
#include "scheduler/process/program.h"

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
          "--stream-node-max-entries",
          "16",  // each XDEL walks through half a node: of 100, as usual, 5 us a photo
          "--databases",
          "1",
          "--daemonize",
          "no",
          "--loglevel",
          "notice"};
}

/// Without the passwords of other servers, and with a locale that exists everywhere, because the
/// server refuses to start under one that does not.
std::vector<std::string> server_environment() {
  std::vector<std::string> kept = own_environment([](std::string_view entry) {
    return !entry.starts_with("LC_ALL=") && entry.find("_PASSWORD") == std::string_view::npos;
  });
  kept.emplace_back("LC_ALL=C");
  return kept;
}

ProgramOptions server_of(const RedisLaunch& launch) {
  ProgramOptions server;
  server.executable = launch.executable;
  server.words = server_arguments(launch);
  server.environment = server_environment();
  server.dies_with_parent = true;
  return server;
}

/// Everything that the forked process needs, made before the fork: no allocation afterwards.
struct Prepared {
  const Program& server;
  const char* folder;
  const char* socket;
  int life_read, report_write, log;
};

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
  constexpr int kLife = 0, kReport = 1, kLog = 2;
  if (::dup2(prepared.life_read, kLife) < 0 || ::dup2(prepared.report_write, kReport) < 0 ||
      ::dup2(prepared.log, kLog) < 0) {
    ::_exit(1);
  }
  close_descriptors_from(3);
  const pid_t server = prepared.server.start({-1, kLog, kLog});
  if (server < 0 || ::write(kReport, &server, sizeof server) != sizeof server) {
    if (server > 0) ::kill(server, SIGKILL);
    ::_exit(1);
  }
  ::close(kReport);
  const bool parent_gone = parent_ends_first(kLife, server);
  ::kill(server, SIGKILL);  // it holds nothing that SQLite has not
  reap(server);
  ::unlink(prepared.socket);
  if (parent_gone) ::rmdir(prepared.folder);  // else it is needed for the restart
  ::_exit(0);
}

tl::unexpected<Error> system_failure(const std::string& operation) {
  return fail(Errc::environment, operation + ": " + std::strerror(errno));
}

}  // namespace

Expected<WatchedRedis> launch_watched_redis(const RedisLaunch& launch) {
  const Program server(server_of(launch));
  const std::string socket = launch.folder + "/redis.sock";

  const Expected<FileDescriptor> log =
      open_private_file(launch.log_file, O_WRONLY | O_CREAT | O_APPEND);
  if (!log) return fail(log.error());
  Pipe life = open_pipe(), report = open_pipe();
  if (!life.read.valid() || !report.read.valid()) return system_failure("pipe");

  const Prepared prepared{server,          launch.folder.c_str(), socket.c_str(),
                          life.read.get(), report.write.get(),    log->get()};
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
