// run_tally: the one owner of a run's progress: the counts of its last commit, what this scheduler
// recorded, and how many tasks are enqueued and not recorded (|S| of protocol.md H6). Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "scheduler/queue/scheduler_now.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

class RunTally {
 public:
  using Clock = std::chrono::steady_clock;

  /// As the database counts them now.
  void set_counts(const RunCounts& counts) { counts_ = counts; }
  /// The cursor has moved over `tasks`: from here on they are in S.
  void add_enqueued(std::int64_t tasks, Clock::time_point now);
  /// Reconcile has counted S.
  void set_enqueued(std::int64_t tasks) { enqueued_ = tasks; }
  /// Reconcile puts tasks into Redis again.
  void note_task(Clock::time_point now);
  void add_recorded(const RecordReport& report, const RunCounts& counts, Clock::time_point now);

  [[nodiscard]] std::int64_t pending() const { return counts_.asked.pending; }
  [[nodiscard]] std::int64_t enqueued() const { return enqueued_; }
  [[nodiscard]] std::int64_t finished() const { return done_ + unsure_ + blurred_ + failed_; }
  [[nodiscard]] const std::optional<Clock::time_point>& last_result() const { return last_result_; }
  /// The last sign that photos are done: a result, else the first task.
  [[nodiscard]] std::optional<Clock::time_point> moved_at() const {
    return last_result_ ? last_result_ : first_task_;
  }
  void show_in(SchedulerNow& now) const;

 private:
  RunCounts counts_;
  std::int64_t done_ = 0, unsure_ = 0, blurred_ = 0, failed_ = 0;
  std::int64_t enqueued_ = 0;
  std::optional<Clock::time_point> first_task_, last_result_;
};

}  // namespace photoscribe
