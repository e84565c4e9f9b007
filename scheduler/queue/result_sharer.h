// result_sharer: what photos with the same bytes may take over (design.md 5): results go into
// Redis' `seen` as they are recorded and, after the keys were made anew, from the database.
//
// Nothing hangs on it: where it fails photos are done by themselves, and where Redis is short of
// memory it is the first to go.
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

  /// Recorded just now.
  void add(std::vector<Result> fresh);
  /// What was added, then a page of what the database has.
  [[nodiscard]] asio::awaitable<void> share();
  /// Until the keys are made anew. What it held is the run's again: recording needs it.
  [[nodiscard]] asio::awaitable<void> stop(Error why);
  /// New keys know of nothing; and what was recorded under the old ones may be of other settings:
  /// the database tells.
  void begin_anew();

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
