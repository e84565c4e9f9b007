// write_probe: whether Redis accepts writes. A server without memory, or with a full disk, refuses
// the workers' results, while everything that the scheduler does meanwhile is allowed: so it writes
// something that is there already.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "common/core/error.h"
#include "scheduler/queue/redis_link.h"
#include "scheduler/queue/result_sharer.h"
#include "scheduler/queue/run_keys.h"
#include "scheduler/queue/trouble_reporter.h"

namespace photoscribe {

class WriteProbe {
 public:
  /// References must outlive this.
  WriteProbe(const RedisLink& link, RunKeys& keys, ResultSharer& sharer, TroubleReporter& reporter)
      : link_(link), keys_(keys), sharer_(sharer), reporter_(reporter) {}

  /// `moved_at`: when the last photo was finished. Does nothing if that is less than a second ago,
  /// and runs once a second at most.
  [[nodiscard]] asio::awaitable<Status> look(std::chrono::steady_clock::time_point moved_at);

 private:
  const RedisLink& link_;
  RunKeys& keys_;
  ResultSharer& sharer_;
  TroubleReporter& reporter_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace photoscribe
