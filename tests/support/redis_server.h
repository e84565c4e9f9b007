// redis_server: a real redis-server for one test, on a unix socket in a folder of its own.
//
// No TCP port unless one is asked for. It dies with the test, also when the test crashes. Every
// wait ends when the server answers PING, and fails after ten seconds.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace photoscribe::test {

struct RedisOptions {
  bool aof = false;        // appendonly yes, appendfsync always: survives kill() and restart()
  std::string password{};  // requirepass
  std::vector<std::string> acl_users{};  // lines such as "user worker on >secret ~* +@all"
  bool tls = false;  // a TLS port on 127.0.0.1 with a self-signed certificate, made by openssl
  std::vector<std::string> directives{};  // more lines of redis.conf
  bool tcp = false;                       // a TCP port on 127.0.0.1
  bool sentinel = false;                  // redis-server --sentinel, with a TCP port
};

/// Methods throw std::runtime_error when the server does not do what they ask.
class RedisServer {
 public:
  explicit RedisServer(RedisOptions options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// "unix:<socket>"
  [[nodiscard]] std::string url() const;
  /// "rediss://localhost:<port>?ca=<certificate>"; option tls only.
  [[nodiscard]] std::string tls_url() const;
  [[nodiscard]] std::uint16_t tls_port() const noexcept { return tls_port_; }
  /// Options tcp and sentinel only.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const TempDir& folder() const noexcept { return folder_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  void start();   // after stop() or kill(); with AOF the data are back
  void stop();    // SIGTERM, waits for its end
  void kill();    // SIGKILL, waits for its end
  void pause();   // SIGSTOP: connections stay open, nothing answers
  void resume();  // SIGCONT
  void restart() { kill(), start(); }

  /// One command over a connection of the fixture's own; bytes of any kind. Replies as text:
  /// strings bare, integers in decimal, "(nil)", arrays as "[a, b]", errors as "(error) …".
  std::string command(const std::vector<std::string>& words);
  /// The same for a command that answers a number; throws when it does not.
  std::int64_t number(const std::vector<std::string>& words);
  void flushall() { command({"FLUSHALL"}); }

 private:
  void write_config();
  void wait_until_ready();
  RedisOptions options_;
  TempDir folder_;
  pid_t pid_ = -1;
  std::uint16_t tls_port_ = 0, port_ = 0;
};

}  // namespace photoscribe::test
