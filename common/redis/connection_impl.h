// connection_impl: what stands behind a Connection: one stream, one call at a time, one deadline.
//
// Shared with calls in flight and the deadline's timer, so that it may outlive the Connection.
// Private to common/redis.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/redis/byte_stream.h"
#include "common/redis/connection.h"
#include "common/redis/parser.h"

namespace photoscribe::redis {

class Connection::Impl : public std::enable_shared_from_this<Impl> {
 public:
  using Clock = asio::steady_timer::clock_type;

  Impl(asio::any_io_executor executor, Endpoint endpoint, ConnectionOptions options);

  asio::awaitable<Status> connect();
  /// Sends `request` and reads `count` replies.
  asio::awaitable<Expected<std::vector<Reply>>> exchange(std::string request, std::size_t count,
                                                         std::string operation,
                                                         milliseconds timeout);
  void close() noexcept { stop(Stopped::closed); }
  bool is_open() const noexcept { return ready_; }
  asio::any_io_executor executor() { return deadline_.get_executor(); }

  const Endpoint endpoint_;
  ConnectionOptions options_;
  std::uint64_t generation_ = 0;
  std::size_t sentinel_ = 0;  // the one that answered last

 private:
  enum class Stopped { no, late, closed };
  class Turn;

  asio::awaitable<Status> enter(Clock::time_point until, const std::string& operation);
  void leave() noexcept;
  void arm(Clock::time_point until);
  void stop(Stopped why) noexcept;
  asio::awaitable<Status> open(Clock::time_point until);
  asio::awaitable<Expected<Endpoint>> find_master(Clock::time_point until);
  asio::awaitable<Status> log_in(std::string operation);
  asio::awaitable<Expected<std::vector<Reply>>> roundtrip(const std::string& request,
                                                          std::size_t count,
                                                          const std::string& operation);
  Error lost(const std::string& operation, boost::system::error_code why) const;
  /// Whether the server has become a replica, so that the Sentinels must be asked again.
  bool is_demoted(const std::vector<Reply>& replies) const;

  ByteStream stream_;
  asio::steady_timer deadline_;
  Parser parser_;
  std::vector<char> chunk_;
  bool ready_ = false;  // connected and logged in
  Stopped stopped_ = Stopped::no;
  milliseconds timeout_{};             // of the call whose turn it is, for messages
  std::uint64_t deadline_number_ = 0;  // rises with each: an earlier one has no effect
  bool busy_ = false;
  struct Waiter {
    explicit Waiter(asio::any_io_executor executor) : timer(std::move(executor)) {}
    asio::steady_timer timer;
    bool granted = false;
  };
  std::deque<std::shared_ptr<Waiter>> waiting_;
};

}  // namespace photoscribe::redis
