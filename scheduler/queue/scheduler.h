// scheduler: keeps one run's window of tasks full, records its results, and restores what Redis
// lost.
//
// The scheduler of protocol.md: it owns a feeder, a recorder, a reconciler and the watches around
// them, and the loop that gives each its turn. It starts no process and reads no photo: run_batch()
// does the former, workers the latter. Belongs to one io_context that one thread runs;
// SQLite has its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>

#include "common/async/wakeable_timer.h"
#include "common/core/error.h"
#include "common/redis/scheduler_queue.h"
#include "scheduler/queue/eviction_watch.h"
#include "scheduler/queue/feeder.h"
#include "scheduler/queue/fleet_watch.h"
#include "scheduler/queue/reconciler.h"
#include "scheduler/queue/recorder.h"
#include "scheduler/queue/redis_link.h"
#include "scheduler/queue/result_sharer.h"
#include "scheduler/queue/run_keys.h"
#include "scheduler/queue/run_mode.h"
#include "scheduler/queue/run_monitor.h"
#include "scheduler/queue/run_store.h"
#include "scheduler/queue/run_tally.h"
#include "scheduler/queue/scheduler_now.h"
#include "scheduler/queue/scheduler_settings.h"
#include "scheduler/queue/store_thread.h"
#include "scheduler/queue/trouble_reporter.h"
#include "scheduler/queue/withdrawal.h"
#include "scheduler/queue/worker_watch.h"
#include "scheduler/queue/write_probe.h"
#include "scheduler/run_events.h"

namespace photoscribe {

class Scheduler {
 public:
  /// `store` must outlive this; `say` is called on the io_context's thread.
  Scheduler(asio::io_context& io, StoreThread& store, SchedulerSettings settings, Say say);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Runs until every image asked for is final, finish_up() or abort(). Call once.
  ///
  /// Waits out every transient fault: Redis unreachable, loading, out of memory, empty or stale;
  /// disk full or locked. Fails with redis_refused (wrong password, eviction policy …),
  /// redis_unavailable (no answer for `first_connect` at the start), store_failure, and with
  /// store_full when it was asked to finish up on a full disk.
  [[nodiscard]] asio::awaitable<Expected<SchedulerEnd>> run();

  /// Nothing more is started until resume(): what no worker has started is withdrawn from Redis,
  /// what is in hand is finished and recorded. The caller stores in the database that it is paused.
  void pause();
  void resume();
  /// As pause(), and run() ends once nothing is in hand.
  void cancel();
  /// Photos are pending again (a retry): the new counts, from the same call of the store.
  void expect_more(const RunCounts& counts);
  /// Nothing more is enqueued; recording continues.
  void stop_feeding() { feeder_.stop(); }
  /// Ends run() once everything that is in the results stream now is recorded.
  void finish_up();
  /// Ends run() at the next step: connections are closed, a running transaction is waited for.
  void abort();

  [[nodiscard]] SchedulerNow now() const;
  /// For the monitor.
  [[nodiscard]] QueueNow queue_now() const;
  [[nodiscard]] const std::shared_ptr<RunMeters>& meters() const { return settings_.meters; }

 private:
  using Clock = std::chrono::steady_clock;
  using MaybeEnd = std::optional<SchedulerEnd>;

  asio::awaitable<Expected<SchedulerEnd>> loop();
  asio::awaitable<Expected<MaybeEnd>> turn();
  asio::awaitable<Expected<MaybeEnd>> survive(Error error);
  asio::awaitable<Status> connect();
  asio::awaitable<Status> reconcile();
  asio::awaitable<Expected<MaybeEnd>> stay_paused();
  asio::awaitable<Status> idle();
  asio::awaitable<Status> look();
  asio::awaitable<Status> watch();
  asio::awaitable<Status> tidy_up();
  asio::awaitable<Status> count();
  asio::awaitable<void> keep_work();

  const SchedulerSettings settings_;
  Mode mode_ = Mode::run;
  TroubleReporter reporter_;
  ReconcileGate gate_;
  RunTally tally_;
  WakeableTimer timer_;
  RedisLink link_;
  redis::SchedulerQueue queue_;
  RunStore store_;
  RunKeys keys_;
  Feeder feeder_;
  ResultSharer sharer_;
  Recorder recorder_;
  Withdrawal withdrawal_;
  WorkerWatch workers_;
  EvictionWatch eviction_;
  FleetWatch fleet_;
  WriteProbe probe_;
  Reconciler reconciler_;

  std::optional<redis::Look> look_;  // the last one
  Clock::time_point started_ = Clock::now(), next_look_{}, cancelled_at_{};
  std::chrono::milliseconds idle_wait_{1};
  int failures_ = 0;  // in a row
};

}  // namespace photoscribe
