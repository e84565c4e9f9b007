#include "common/core/rate_meter.h"

#include <cmath>

namespace photoscribe {

void RateMeter::sample(Clock::time_point now, std::int64_t finished) {
  const auto merge_within = window_ / 100;
  if (samples_.size() >= 2 && now - samples_[samples_.size() - 2].at < merge_within) {
    samples_.back() = Sample{now, finished};
  } else {
    samples_.push_back(Sample{now, finished});
  }
  // One sample at or before the window's start stays, so that the rate always covers a whole
  // window.
  while (samples_.size() > 2 && now - samples_[1].at >= window_) samples_.pop_front();
}

double RateMeter::per_second() const {
  if (samples_.size() < 2) return 0;
  const std::chrono::duration<double> span = samples_.back().at - samples_.front().at;
  if (span.count() <= 0) return 0;
  return static_cast<double>(samples_.back().finished - samples_.front().finished) / span.count();
}

std::optional<std::chrono::seconds> RateMeter::left(std::int64_t pending) const {
  const double rate = per_second();
  if (rate <= 0) return std::nullopt;
  const double seconds = std::ceil(static_cast<double>(pending) / rate);
  if (seconds > 1e9) return std::nullopt;  // thirty years: as good as not known
  return std::chrono::seconds(static_cast<std::int64_t>(seconds));
}

}  // namespace photoscribe
