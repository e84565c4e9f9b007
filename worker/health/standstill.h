// standstill: whether a worker's work progresses. Pure: the caller says what time it is.
#pragma once

#include <chrono>
#include <cstddef>

namespace photoscribe {

/// Whether work that is held stands still.
class StandstillWatch {
 public:
  using Clock = std::chrono::steady_clock;

  /// Something came out: a result, or a task that goes back.
  void moved(Clock::time_point now) { moved_at_ = now; }
  /// How long `held` tasks have waited while nothing came out; time in which nothing is held, or in
  /// which there is a reason to wait (`excused`), does not count.
  [[nodiscard]] Clock::duration still(std::size_t held, bool excused, Clock::time_point now) {
    if (held == 0 || excused) moved_at_ = now;
    return now - moved_at_;
  }

 private:
  Clock::time_point moved_at_ = Clock::now();
};

}  // namespace photoscribe
