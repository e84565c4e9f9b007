// eviction_watch: whether the server has begun to throw keys away. Refused at the start; whoever
// switches it on later is told before tasks are lost, and why they were.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "common/core/error.h"
#include "common/redis/connection.h"
#include "scheduler/queue/trouble_reporter.h"

namespace photoscribe {

class EvictionWatch {
 public:
  /// References must outlive this.
  EvictionWatch(redis::Connection& connection, TroubleReporter& reporter)
      : connection_(connection), reporter_(reporter) {}

  /// Looks every ten seconds; does nothing in between.
  [[nodiscard]] boost::asio::awaitable<Status> look();
  /// Behind the word that data were lost: what the server's settings say to it; or nothing.
  [[nodiscard]] boost::asio::awaitable<std::string> cause();

 private:
  redis::Connection& connection_;
  TroubleReporter& reporter_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace photoscribe
