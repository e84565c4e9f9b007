// connection: one connection to one Redis server; Boost.Asio moves the bytes, hiredis parses them.
//
// It never reconnects by itself: after a loss every call fails with redis_unavailable until
// connect() is called again, because both sides of the queue must know that they reconnected
// (protocol.md H1, H7, H12). Blocking reads need a connection of their own: BLOCK stops everything
// behind it. Belongs to one io_context that one thread runs; not thread-safe.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/redis/command.h"
#include "common/redis/endpoint.h"
#include "common/redis/reply.h"

namespace photoscribe::redis {

namespace asio = boost::asio;
using std::chrono::milliseconds;

struct ConnectionOptions {
  std::string client_name = "photoscribe";  // as CLIENT LIST shows it; spaces become '_'
  milliseconds connect_timeout{5'000};      // resolve, connect, TLS, AUTH, SELECT together
  milliseconds command_timeout{10'000};     // of a call that names none
};

/// A Lua script with the SHA-1 that EVALSHA names it by.
struct Script {
  std::string_view name;  // file name without .lua, for messages
  std::string_view source;
  std::string_view sha1;  // 40 hex digits
};

/// Errors of every call: redis_unavailable (lost, timed out, or the server says that it cannot now:
/// LOADING, OOM, READONLY …), run_gone (NOGROUP), redis_refused (any other error reply; the message
/// says the cure where there is one), cancelled (close() or Asio cancellation). After a time-out,
/// cancellation or broken reply the connection is closed, so that no later call reads a stale
/// answer; an error *reply* leaves it open. Whether a command that failed by a lost connection was
/// executed is not known.
///
/// After an Asio cancellation the caller's next co_await throws operation_aborted, as everywhere in
/// Asio; close() ends calls without any exception.
///
/// Several coroutines of the same thread may call at once: calls wait for each other in order, and
/// that wait counts against their time-out.
class Connection {
 public:
  Connection(asio::any_io_executor executor, Endpoint endpoint, ConnectionOptions options = {});
  ~Connection();  // closes; calls still in flight end with `cancelled`
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Closes what was open, then resolves, connects, shakes hands and logs in.
  /// redis_unavailable: no answer; redis_refused: wrong password, certificate or
  /// database.
  [[nodiscard]] asio::awaitable<Status> connect();

  /// One command, one reply. Error replies come back as Errors.
  [[nodiscard]] asio::awaitable<Expected<Reply>> call(Command command);
  [[nodiscard]] asio::awaitable<Expected<Reply>> call(Command command, milliseconds timeout);

  /// Pipelined: all are sent in one write; as many replies, in order. An error reply is an element
  /// of the list (see check()); the call itself fails only when the connection does.
  [[nodiscard]] asio::awaitable<Expected<std::vector<Reply>>> call_many(
      std::vector<Command> commands);
  [[nodiscard]] asio::awaitable<Expected<std::vector<Reply>>> call_many(
      std::vector<Command> commands, milliseconds timeout);

  /// MULTI … EXEC in one round trip; the reply is EXEC's array, one element per command, none of
  /// them an error but those that begin with a word of `allowed_error`. A command refused while
  /// queueing, or an error in the array: that Error.
  [[nodiscard]] asio::awaitable<Expected<Reply>> transaction(std::vector<Command> commands,
                                                             milliseconds timeout,
                                                             std::string allowed_error = {});

  /// EVALSHA, and EVAL when the server does not know the script (after a restart or SCRIPT FLUSH).
  /// `arguments` are the words after the script's: number of keys, keys, ARGV.
  [[nodiscard]] asio::awaitable<Expected<Reply>> eval(Script script, Command arguments,
                                                      milliseconds timeout);

  /// Ends calls in flight with `cancelled` and closes the socket. connect() opens it again.
  void close() noexcept;
  [[nodiscard]] bool is_open() const noexcept;
  /// Rises by one with each successful connect(); 0 before the first.
  [[nodiscard]] std::uint64_t generation() const noexcept;
  [[nodiscard]] const Endpoint& endpoint() const noexcept;
  [[nodiscard]] milliseconds command_timeout() const noexcept;
  [[nodiscard]] asio::any_io_executor executor() const noexcept;

 private:
  class Impl;
  std::shared_ptr<Impl>
      impl_;  // shared with calls in flight and the deadline's timer, so that both may outlive this
};

/// The Error of an error reply, or success. `operation` begins the message.
[[nodiscard]] Status check(ReplyView reply, std::string_view operation);

}  // namespace photoscribe::redis
