// recorder: brings results from Redis into SQLite: always from the first entry, commit, then XDEL,
// so what is in the results stream is what is not committed (protocol.md H3).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/error.h"
#include "common/redis/scheduler_queue.h"
#include "scheduler/queue/feeder.h"
#include "scheduler/queue/result_sharer.h"
#include "scheduler/queue/run_keys.h"
#include "scheduler/queue/run_meters.h"
#include "scheduler/queue/run_mode.h"
#include "scheduler/queue/run_store.h"
#include "scheduler/queue/run_tally.h"
#include "scheduler/queue/trouble_reporter.h"
#include "scheduler/queue/unreadable_results.h"

namespace photoscribe {

class Recorder {
 public:
  /// References must outlive this. The feeder is woken when there is room in the window.
  Recorder(redis::SchedulerQueue& queue, const RunKeys& keys, RunStore& store, RunTally& tally,
           ResultSharer& sharer, Feeder& feeder, TroubleReporter& reporter, RunMeters& meters,
           const Mode& mode);

  /// Records some entries of the results stream; returns how many. 0: there are none.
  [[nodiscard]] asio::awaitable<Expected<std::int64_t>> record_some();
  /// Records every entry that is there now; entries that workers add meanwhile are left.
  [[nodiscard]] asio::awaitable<Status> record_available();
  /// UnreadableResults::begin_round(), before photos are enqueued again.
  [[nodiscard]] Status begin_round() { return unreadable_.begin_round(tally_.finished()); }

 private:
  asio::awaitable<Expected<std::int64_t>> record_up_to(std::optional<redis::EntryId> last);
  asio::awaitable<Status> commit(std::vector<redis::ResultEntry> entries);
  [[nodiscard]] Incoming sorted(std::vector<redis::ResultEntry> entries);
  void measure(const RecordReport& report, RunTally::Clock::duration time);
  void note(const RecordReport& report);

  redis::SchedulerQueue& queue_;
  const RunKeys& keys_;
  RunStore& store_;
  RunTally& tally_;
  ResultSharer& sharer_;
  Feeder& feeder_;
  TroubleReporter& reporter_;
  RunMeters& meters_;
  const Mode& mode_;
  UnreadableResults unreadable_;
};

}  // namespace photoscribe
