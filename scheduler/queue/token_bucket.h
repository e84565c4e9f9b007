// token_bucket: how many photos may be started now under a limit per second (--rate).
//
// Pure: time is an argument. The bucket holds one second's worth (one photo at least), so after a
// quiet hour there is no burst. The limit applies where tasks are fed, so it holds for any number
// of workers; what is fed and not yet started is bounded by window().
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace photoscribe {

class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;

  /// `per_s` > 0. Starts empty.
  TokenBucket(double per_s, Clock::time_point now)
      : per_s_(per_s), capacity_(std::max(1.0, per_s)), filled_at_(now) {}

  /// Whole photos that may be started at `now`.
  [[nodiscard]] std::int64_t available(Clock::time_point now) {
    const std::chrono::duration<double> passed = now - filled_at_;
    if (passed.count() > 0) {
      tokens_ = std::min(capacity_, tokens_ + passed.count() * per_s_);
      filled_at_ = now;
    }
    // A sum of many small steps may end a hair below the whole number that it is.
    return static_cast<std::int64_t>(std::floor(tokens_ + 1e-9));
  }
  void take(std::int64_t photos) { tokens_ -= static_cast<double>(photos); }

  /// Until available() is `photos` (at most a second's worth).
  [[nodiscard]] std::chrono::milliseconds wait_for(std::int64_t photos) const {
    const double wanted = std::min(static_cast<double>(photos), capacity_);
    const double missing = std::max(0.0, wanted - tokens_);
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(missing / per_s_ * 1e3)));
  }

  /// Tasks worth feeding at once: a quarter of a second's.
  [[nodiscard]] std::int64_t worth_it() const {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(per_s_ / 4));
  }
  /// Tasks that may wait or be in hand: ten seconds' worth, which workers that return after a while
  /// process at their own speed; at least a worker's batch.
  [[nodiscard]] std::int64_t window(std::int64_t unlimited) const {
    return std::min(unlimited, std::max<std::int64_t>(64, static_cast<std::int64_t>(10 * per_s_)));
  }

 private:
  double per_s_, capacity_;
  double tokens_ = 0;
  Clock::time_point filled_at_;
};

}  // namespace photoscribe
