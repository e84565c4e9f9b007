// private_redis: a redis-server of our own, for one run on one machine (design.md 2).
//
// It listens on a unix socket in a 0700 folder, has no TCP port and keeps nothing on disk: SQLite
// is the truth. A watcher process between us and the server reads a pipe to its end and then kills
// the server, so that it goes when we go, SIGKILL included. Start, restart and stop block for
// moments.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"
#include "scheduler/process/process_info.h"

namespace photoscribe {

struct PrivateRedisOptions {
  std::string executable = "redis-server";  // a path, or a name looked up in PATH
  std::string state_folder;  // where the log and the note about the running server are kept
};

class PrivateRedis {
 public:
  /// Stops what a killed run of the same state folder left behind, then starts a server and waits
  /// until it answers. Fails with environment, saying what to install or which log to read.
  [[nodiscard]] static Expected<PrivateRedis> start(const PrivateRedisOptions& options);

  PrivateRedis(PrivateRedis&& other) noexcept;
  PrivateRedis& operator=(PrivateRedis&&) = delete;
  ~PrivateRedis();

  /// "unix:/run/user/1000/photoscribe-Xy12ab/redis.sock"
  [[nodiscard]] std::string url() const { return "unix:" + socket_path(); }
  [[nodiscard]] pid_t pid() const { return server_; }
  /// False once the server has ended by itself.
  [[nodiscard]] bool running();
  /// Starts an empty server at the same address, after the old one has ended.
  [[nodiscard]] Status restart();

 private:
  explicit PrivateRedis(PrivateRedisOptions options) : options_(std::move(options)) {}
  [[nodiscard]] std::string socket_path() const { return folder_ + "/redis.sock"; }
  [[nodiscard]] Status launch();
  [[nodiscard]] Status wait_until_it_answers();
  void stop() noexcept;

  PrivateRedisOptions options_;
  std::string folder_;  // 0700, removed at the end
  pid_t watcher_ = -1;  // our child; the server is its child
  pid_t server_ = -1;
  FileDescriptor life_write_;  // closing it ends watcher and server
};

/// A new 0700 folder whose path is short enough for a socket: in $XDG_RUNTIME_DIR, else in $TMPDIR,
/// else in /tmp. Fails with environment.
[[nodiscard]] Expected<std::string> make_socket_folder();

}  // namespace photoscribe
