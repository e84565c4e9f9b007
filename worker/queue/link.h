// link: the connection to Redis of one of a worker's coroutines, and how it fares.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "common/async/wakeable_timer.h"
#include "common/redis/connection.h"
#include "common/redis/worker_queue.h"
#include "worker/health/ending.h"
#include "worker/queue/joined_runs.h"

namespace photoscribe {

class Link {
 public:
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  /// `runs` and `stop` must outlive the link and its coroutine.
  Link(const boost::asio::any_io_executor& executor, const redis::Endpoint& endpoint,
       const std::string& client_name, JoinedRuns& runs, Stop& stop);

  /// Connects where it is not connected; false after a pause: see whether the worker is to end.
  /// With `checks_server` a server that the scheduler would refuse is refused here too.
  [[nodiscard]] Awaitable<bool> reach(bool checks_server = false);
  /// What came of a turn. An error that may pass is waited out, any other ends the worker.
  [[nodiscard]] Awaitable<void> settle(Status turn);

  [[nodiscard]] bool ails() const { return failures_ > 0; }
  /// Ends a pause at once.
  void wake() { pause_.wake(); }
  void close();

  redis::Connection connection;
  redis::WorkerQueue queue{connection};

 private:
  [[nodiscard]] Awaitable<Status> check_server();
  [[nodiscard]] Awaitable<void> wait_out(Error error);

  JoinedRuns& runs_;
  Stop& stop_;
  WakeableTimer pause_;
  int failures_ = 0;
};

}  // namespace photoscribe
