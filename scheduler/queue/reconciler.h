// reconciler: makes Redis hold exactly what SQLite has enqueued without a result, step by step in
// the order that protocol.md H5-H8 and H11 ask for; reconcile.h decides what to add and remove.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/redis/scheduler_queue.h"
#include "scheduler/queue/eviction_watch.h"
#include "scheduler/queue/feeder.h"
#include "scheduler/queue/reconcile_gate.h"
#include "scheduler/queue/recorder.h"
#include "scheduler/queue/result_sharer.h"
#include "scheduler/queue/run_keys.h"
#include "scheduler/queue/run_meters.h"
#include "scheduler/queue/run_mode.h"
#include "scheduler/queue/run_store.h"
#include "scheduler/queue/run_tally.h"
#include "scheduler/queue/trouble_reporter.h"
#include "scheduler/queue/withdrawal.h"
#include "scheduler/queue/worker_watch.h"

namespace photoscribe {

class Reconciler {
 public:
  /// What it corrects, and whom it reports to. All of it must outlive this.
  struct Parts {
    redis::SchedulerQueue& queue;
    RunKeys& keys;
    RunStore& store;
    RunTally& tally;
    ReconcileGate& gate;
    Feeder& feeder;
    Recorder& recorder;
    ResultSharer& sharer;
    Withdrawal& withdrawal;
    WorkerWatch& workers;
    EvictionWatch& eviction;
    TroubleReporter& reporter;
    RunMeters& meters;
    const Mode& mode;
  };
  explicit Reconciler(Parts parts) : part_(parts) {}

  /// The feeder rests meanwhile. The gate asks for another one if this one failed, if the keys were
  /// another scheduler's, or if one was requested while it ran.
  [[nodiscard]] asio::awaitable<Status> reconcile();
  /// Started so far.
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  asio::awaitable<Expected<bool>> agree();
  asio::awaitable<Status> ensure_keys();
  asio::awaitable<Status> make_keys(std::string why);
  asio::awaitable<Status> remove_stale(redis::Snapshot snapshot);
  asio::awaitable<Status> apply_plan(std::vector<redis::WindowEntry> window);
  asio::awaitable<Status> enqueue(std::vector<ImageAttempt> missing);

  Parts part_;
  std::int64_t count_ = 0;
};

}  // namespace photoscribe
