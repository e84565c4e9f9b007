// feeder: keeps a run's window in Redis full: the cursor in SQLite first, then an XADD under the
// fence that is never repeated (protocol.md H5-H7).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>

#include "common/async/wakeable_timer.h"
#include "common/core/error.h"
#include "common/redis/scheduler_queue.h"
#include "scheduler/queue/reconcile_gate.h"
#include "scheduler/queue/run_keys.h"
#include "scheduler/queue/run_mode.h"
#include "scheduler/queue/run_store.h"
#include "scheduler/queue/run_tally.h"
#include "scheduler/queue/scheduler_settings.h"
#include "scheduler/queue/token_bucket.h"

namespace photoscribe {

class Feeder {
 public:
  /// References must outlive this. `recorder` is woken when the feeder needs somebody's attention.
  Feeder(asio::io_context& io, const SchedulerSettings& settings, redis::SchedulerQueue& queue,
         const RunKeys& keys, RunStore& store, RunTally& tally, ReconcileGate& gate,
         const Mode& mode, WakeableTimer& recorder);

  /// Feeds until stop() or the end of the run, on a coroutine of its own. Call once.
  void start();
  /// Nothing more is enqueued.
  void stop();
  [[nodiscard]] bool has_ended() const { return state_ == State::ended; }
  /// Permanent: ends the run.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  /// There may be room in the window.
  void wake() { timer_.wake(); }
  /// Photos wait behind the cursor again.
  void look_again();
  /// The cursor has reached the end of the queue.
  [[nodiscard]] bool has_fed_all() const { return has_fed_all_; }

  /// Returns once nothing of the feeder's is in flight; it does not begin anew while the gate or
  /// the mode holds it.
  [[nodiscard]] asio::awaitable<void> come_to_rest();
  /// Which of its rests this is; none while something of it is in flight.
  [[nodiscard]] std::optional<std::uint64_t> current_rest() const;

 private:
  enum class State : std::uint8_t { resting, feeding, ended };
  asio::awaitable<void> loop();
  asio::awaitable<Status> feed_once();
  asio::awaitable<Status> enqueue(std::int64_t room);
  asio::awaitable<Expected<std::int64_t>> room_in(std::int64_t window);
  asio::awaitable<void> rest(std::chrono::milliseconds time);
  void ended(std::exception_ptr thrown);

  asio::io_context& io_;
  const SchedulerSettings& settings_;
  redis::SchedulerQueue& queue_;
  const RunKeys& keys_;
  RunStore& store_;
  RunTally& tally_;
  ReconcileGate& gate_;
  const Mode& mode_;
  WakeableTimer& recorder_;
  WakeableTimer timer_;
  std::optional<TokenBucket> bucket_;  // with a rate
  State state_ = State::resting;
  std::uint64_t rests_ = 0;
  bool has_fed_all_ = false, stopped_ = false;
  std::optional<Error> error_;
};

}  // namespace photoscribe
