// withdrawal: takes the tasks of a paused or cancelled run out of Redis that no worker has started.
//
// The images stay enqueued in SQLite (the cursor does not move back), so a resume is a reconcile:
// it finds them missing in Redis and enqueues them again.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "common/redis/scheduler_queue.h"
#include "scheduler/queue/feeder.h"
#include "scheduler/queue/run_keys.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

class Withdrawal {
 public:
  /// References must outlive this.
  Withdrawal(redis::SchedulerQueue& queue, const RunKeys& keys, Feeder& feeder);

  /// Nothing more is to be started; `enqueued` tasks may be in hand until Redis has been asked.
  void begin(std::int64_t enqueued);
  void end() { state_ = State::off; }
  [[nodiscard]] bool has_begun() const { return state_ != State::off; }
  /// Nothing but what is in hand is in Redis.
  [[nodiscard]] bool is_complete() const { return state_ == State::complete; }
  /// Tasks that workers are finishing, as last seen.
  [[nodiscard]] std::int64_t in_hand() const { return in_hand_; }

  [[nodiscard]] asio::awaitable<Status> take_out();
  /// Workers hand tasks back, or die with them: then it is no longer complete.
  void observe(const redis::Look& seen);
  /// The keys may hold anything.
  void look_again();

  /// Restores the delivery counts of tasks that had been in a worker's hand when withdrawn.
  void restore_charges(std::vector<Task>& tasks);

 private:
  enum class State : std::uint8_t { off, under_way, complete };

  redis::SchedulerQueue& queue_;
  const RunKeys& keys_;
  Feeder& feeder_;
  State state_ = State::off;
  std::int64_t in_hand_ = 0;
  std::map<ImageAttempt, int> charged_;
};

/// Whether a cancelled run has waited long enough for its `in_hand` tasks: none is left, or no sign
/// of work on them came for half a minute and a lease.
[[nodiscard]] bool is_cancel_over(
    std::int64_t in_hand, std::chrono::steady_clock::time_point cancelled_at,
    const std::optional<std::chrono::steady_clock::time_point>& last_result,
    std::chrono::milliseconds lease, std::chrono::steady_clock::time_point now);

}  // namespace photoscribe
