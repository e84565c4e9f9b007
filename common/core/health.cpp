#include "common/core/health.h"

#include <utility>

namespace photoscribe {

void Health::tick(Clock::time_point now, std::string why_not_ready) {
  const std::lock_guard lock(mutex_);
  ticked_at_ = now;
  why_ = std::move(why_not_ready);
}

void Health::rest(std::string why) {
  const std::lock_guard lock(mutex_);
  ticked_at_.reset();
  why_ = std::move(why);
}

bool Health::alive(Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  return !ticked_at_ || now - *ticked_at_ <= patience_;
}

Health::Report Health::report(Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  if (!ticked_at_) return {true, false, why_};
  const auto still = now - *ticked_at_;
  if (still > patience_) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(still).count();
    return {false, false, "its loop has stood still for " + std::to_string(seconds) + " s"};
  }
  return {true, why_.empty(), why_};
}

}  // namespace photoscribe
