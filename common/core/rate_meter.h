// rate_meter: photos per second over the last while, and the time that is left.
//
// Pure: time is an argument. Samples older than the window are forgotten, so a run that was started
// fast and then slowed down says so.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace photoscribe {

class RateMeter {
 public:
  using Clock = std::chrono::steady_clock;
  explicit RateMeter(std::chrono::milliseconds window = std::chrono::seconds(30))
      : window_(window) {}

  /// `finished`: images final so far; may only grow. Samples closer than a hundredth of the window
  /// are merged, so memory is bounded.
  void sample(Clock::time_point now, std::int64_t finished);

  /// Photos per second over the samples held; 0 before there are two.
  [[nodiscard]] double per_second() const;
  /// Time for `pending` more at that rate; none while the rate is 0.
  [[nodiscard]] std::optional<std::chrono::seconds> left(std::int64_t pending) const;

 private:
  struct Sample {
    Clock::time_point at;
    std::int64_t finished;
  };
  std::chrono::milliseconds window_;
  std::deque<Sample> samples_;
};

}  // namespace photoscribe
