#include "common/async/backoff.h"

#include <algorithm>
#include <cstdint>

#include "common/core/random.h"

namespace photoscribe {

std::chrono::milliseconds backoff(int failures, double unit_random,
                                  BackoffSettings settings) noexcept {
  const int doublings = std::clamp(failures - 1, 0, 30);
  const double whole = std::min(static_cast<double>(settings.longest.count()),
                                static_cast<double>(settings.first.count()) *
                                    static_cast<double>(std::int64_t{1} << doublings));
  const double part = 0.5 + 0.5 * std::clamp(unit_random, 0.0, 1.0);
  return std::chrono::milliseconds(static_cast<std::int64_t>(whole * part));
}

std::chrono::milliseconds jittered_backoff(int failures, BackoffSettings settings) {
  return backoff(failures, random_unit(), settings);
}

}  // namespace photoscribe
