// resolver: from a host's name to its addresses, on a thread of its own that may hang with the name
// server.
//
// Asio's resolver cannot be given up: io_context::run() and its destructor wait for getaddrinfo, so
// a name server that does not answer held up every end of a worker. Here the thread is left behind
// instead; the system's resolver gives up after some seconds. Private to common/redis.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace photoscribe::redis {

/// One resolve() at a time; for one thread. Goes before the io_context does.
class Resolver {
 public:
  explicit Resolver(const boost::asio::any_io_executor& executor) : timer_(executor) {}
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver() { cancel(); }

  /// At least one address, unless `failed` says why not; operation_aborted after cancel(). An IP
  /// address is its own answer, without a thread.
  [[nodiscard]] boost::asio::awaitable<std::vector<boost::asio::ip::tcp::endpoint>> resolve(
      std::string host, std::uint16_t port, boost::system::error_code& failed);

  /// Ends resolve() at once.
  void cancel() noexcept;

 private:
  struct Lookup;
  boost::asio::steady_timer timer_;  // resolve() sleeps on it until the thread or cancel() wakes it
  std::shared_ptr<Lookup> lookup_;   // shared with the thread
};

}  // namespace photoscribe::redis
