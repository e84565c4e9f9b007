// scheduler_now: the state of a Scheduler, and how it ended.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/store/run_types.h"

namespace photoscribe {

/// Why Scheduler::run() returned.
enum class SchedulerEnd : std::uint8_t {
  complete,   // every image is final, and nothing of the run is left in Redis
  cancelled,  // cancel(): what was in hand is recorded, and nothing of the run is left in Redis
  drained,    // finish_up(): what was in the results stream is recorded; keys stay and expire
  aborted,    // abort()
};

/// What a progress line needs, now.
struct SchedulerNow {
  RunCounts counts;                                            // as of the last commit
  std::int64_t done = 0, unsure = 0, blurred = 0, failed = 0;  // recorded by this object
  [[nodiscard]] std::int64_t finished() const { return done + unsure + blurred + failed; }
  std::int64_t enqueued = 0;  // |S|
  std::int64_t reconciles = 0;
  std::size_t workers_living = 0;  // of the run, on any host, as last judged
  /// Consumers without a heartbeat for `silent_after` while Redis could be reached.
  std::vector<std::string> workers_silent;
  std::string
      nobody_serves;  // why no worker has been able to serve the run for a while; empty: some can
  WorkDone work;      // of the workers since this object began
  bool connected = false;
  bool paused = false;       // nothing is started
  std::int64_t in_hand = 0;  // while paused: tasks that workers are finishing, as last seen
  std::optional<std::chrono::steady_clock::time_point> first_task, last_result;
};

}  // namespace photoscribe
