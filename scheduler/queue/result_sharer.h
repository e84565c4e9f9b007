// result_sharer: results that photos with the same bytes may reuse (design.md 5). They go into
// Redis' `seen` as they are recorded and, when the keys are new, from the database.
//
// Nothing depends on it: where it fails, photos are processed one by one, and where Redis is short
// of memory it goes first.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "common/redis/scheduler_queue.h"
#include "scheduler/queue/redis_link.h"
#include "scheduler/queue/run_keys.h"
#include "scheduler/queue/run_store.h"
#include "scheduler/queue/trouble_reporter.h"

namespace photoscribe {

class ResultSharer {
 public:
  /// References must outlive this. `remembered_max`: SchedulerSettings.
  ResultSharer(std::int64_t remembered_max, const RedisLink& link, redis::SchedulerQueue& queue,
               const RunKeys& keys, RunStore& store, TroubleReporter& reporter);

  /// Results just recorded.
  void add(std::vector<Result> fresh);
  /// Writes what was added, then a page from the database.
  [[nodiscard]] asio::awaitable<void> share();
  /// Stops until the run has new keys, and frees the memory: recording needs it.
  [[nodiscard]] asio::awaitable<void> stop(Error why);
  /// The keys are new and empty, and results of the old ones may have other settings: starts from
  /// the database.
  void start_over();

 private:
  asio::awaitable<void> share_older();
  asio::awaitable<bool> note(std::vector<Result> results);
  [[nodiscard]] std::int64_t at_once() const;

  const std::int64_t remembered_max_;
  const RedisLink& link_;
  redis::SchedulerQueue& queue_;
  const RunKeys& keys_;
  RunStore& store_;
  TroubleReporter& reporter_;
  std::vector<Result> fresh_;                // recorded, not yet remembered in Redis
  std::optional<std::int64_t> share_below_;  // of the database: where to go on; 0: all is shared
  std::int64_t shared_ = 0;                  // of the database, in this incarnation
  bool stopped_ = false;                     // Redis is short of memory
};

}  // namespace photoscribe
