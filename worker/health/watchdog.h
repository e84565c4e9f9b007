// watchdog: a photo past its time-out, work without progress, a process with too much memory.
// Decides how the worker should end because of it.
//
// Time in which the whole process was stopped (SIGSTOP, a frozen machine) is no photo's fault and
// does not count.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "worker/health/ending.h"
#include "worker/health/standstill.h"
#include "worker/pipeline/pipeline.h"

namespace photoscribe {

struct WatchdogSettings {
  std::int64_t memory_max_bytes = 0;  // resident; 0: no limit
  /// Nothing comes out for so many leases though work is held: not ready any more.
  int standstill_leases = 3;
  /// The same with nothing in the pipeline, whose photos have time-outs of their own: to be
  /// replaced.
  std::chrono::milliseconds standstill_limit{60'000};
};

/// The time-out of what a thread is working on. A batch has its photos' time-outs together: on a
/// machine with far more to do than cores, the network's threads wait for each other at every
/// layer (measured: 16 photos in more than 60 s at a load of 20 on two cores).
[[nodiscard]] std::chrono::steady_clock::duration limit_of(const InWork& work);

/// Why the whole worker has to end for a thread that is past its limit: "a photo hung while …".
[[nodiscard]] std::string hung_while(Stage stage);
/// The failure of a photo that alone is past its limit.
[[nodiscard]] Failed timed_out(const InWork& work, std::chrono::steady_clock::time_point now);

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Watchdog(WatchdogSettings settings) : settings_(settings) {}

  /// A round of the watch, which sleeps `every` in between.
  void tick(Clock::time_point now, Clock::duration every);
  /// How long since then the process has worked.
  [[nodiscard]] Clock::duration worked_since(Clock::time_point since) const;

  /// A job has come to its end.
  void moved(Clock::time_point now) { standstill_.moved(now); }
  /// Why no more work should be expected of a worker that holds `held` tasks and finishes none;
  /// empty: it moves. `excused`: there is a reason to wait.
  [[nodiscard]] std::string standstill(std::size_t held, bool excused,
                                       std::chrono::milliseconds lease, Clock::time_point now);
  /// It has stood still for so long that a new process should take its place.
  [[nodiscard]] bool is_stuck() const { return still_ > settings_.standstill_limit; }

  /// The ending of a process that holds `resident_bytes`; none: it may go on. A library that leaks,
  /// or an allocator that keeps what a few huge photos needed: a fresh process has its memory back,
  /// and a clean end charges no photo.
  [[nodiscard]] std::optional<Ending> judge_memory(std::int64_t resident_bytes,
                                                   std::uint64_t photos_read) const;
  [[nodiscard]] bool watches_memory() const { return settings_.memory_max_bytes != 0; }

 private:
  struct Stall {
    Clock::time_point until;
    Clock::duration length;
  };

  const WatchdogSettings settings_;
  std::optional<Clock::time_point> last_;
  std::deque<Stall> stalls_;
  StandstillWatch standstill_;
  Clock::duration still_{};
};

}  // namespace photoscribe
