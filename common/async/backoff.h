// backoff: how long to wait before trying again.
#pragma once

#include <chrono>

namespace photoscribe {

struct BackoffSettings {
  std::chrono::milliseconds first{50};
  std::chrono::milliseconds longest{5'000};
};

/// How long to wait before attempt number `failures` + 1 (failures >= 1): doubles from `first` to
/// `longest`, of which a random half to whole is taken (`unit_random` in [0, 1]), so that a fleet
/// does not come back in step.
[[nodiscard]] std::chrono::milliseconds backoff(int failures, double unit_random,
                                                BackoffSettings settings) noexcept;

/// The same with random bits of the kernel.
[[nodiscard]] std::chrono::milliseconds jittered_backoff(int failures,
                                                         BackoffSettings settings = {});

}  // namespace photoscribe
