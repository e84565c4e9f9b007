// eviction_watch: whether the server may evict keys. Such a policy is refused at the start; if it
// is switched on later, this warns before tasks are lost, and names it as the cause afterwards.
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
  /// What to append to "Redis lost data": the eviction policy as the cause, or nothing.
  [[nodiscard]] boost::asio::awaitable<std::string> cause();

 private:
  redis::Connection& connection_;
  TroubleReporter& reporter_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace photoscribe
