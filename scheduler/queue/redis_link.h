// redis_link: a scheduler's connection and what is known of the server behind it. Connecting
// includes the check that the server does not evict keys.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>

#include "common/core/error.h"
#include "common/redis/connection.h"
#include "common/redis/endpoint.h"
#include "scheduler/queue/trouble_reporter.h"

namespace photoscribe {

class RedisLink {
 public:
  RedisLink(boost::asio::io_context& io, redis::Endpoint endpoint, TroubleReporter& reporter);

  [[nodiscard]] redis::Connection& connection() { return connection_; }
  [[nodiscard]] bool is_open() const { return connection_.is_open(); }
  void close() { connection_.close(); }

  /// As Connection::connect(), and redis_refused for a server that would evict keys.
  [[nodiscard]] boost::asio::awaitable<Status> connect();
  /// After a failed call: checks whether the connection was lost.
  void note_failure();

  /// As of the last connect() or note_failure().
  [[nodiscard]] bool is_connected() const { return contact_ == Contact::connected; }
  [[nodiscard]] bool was_ever_connected() const { return contact_ != Contact::never; }
  /// Bytes; 0: the server has no limit.
  [[nodiscard]] std::int64_t memory_max() const { return memory_max_; }

 private:
  enum class Contact : std::uint8_t { never, connected, lost };

  redis::Connection connection_;
  TroubleReporter& reporter_;
  Contact contact_ = Contact::never;
  std::int64_t memory_max_ = 0;
};

}  // namespace photoscribe
