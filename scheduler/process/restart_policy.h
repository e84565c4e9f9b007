// restart_policy: what to do about a worker process that ended although nobody asked it to.
//
// Pure: the caller says how it ended, how long it had lived and whether any image became final
// since the last death. A photo that kills its worker is condemned after max_deliveries deaths, so
// deaths with progress between them are the queue's business; deaths without any are a broken
// installation.
#pragma once

#include <chrono>
#include <cstdint>

namespace photoscribe {

/// Exit codes of photoscribe-worker that the supervisor tells apart.
inline constexpr int kWorkerExitUsage = 2;
inline constexpr int kWorkerExitReplace = 5;  // a photo that hangs, a device that was lost

struct RestartSettings {
  std::chrono::milliseconds healthy_after{30'000};  // lived this long: not a quick death
  int quick_deaths_max = 5;                         // in a row and without progress: give up
  std::chrono::milliseconds delay_first{200};
  std::chrono::milliseconds delay_max{30'000};
};

struct ChildEnd {
  int exit_code = 0;  // when `signal` is 0
  int signal = 0;     // the signal that killed it, or 0
  std::chrono::milliseconds alive{0};
};

struct RestartDecision {
  bool give_up = false;
  std::chrono::milliseconds delay{0};
};

/// One per worker slot.
class RestartPolicy {
 public:
  explicit RestartPolicy(RestartSettings settings = {}) : settings_(settings) {}

  /// `progressed`: some image became final since this slot's previous death (or since the start).
  [[nodiscard]] RestartDecision ended(const ChildEnd& end, bool progressed);

 private:
  RestartSettings settings_;
  int quick_deaths_ = 0;
};

}  // namespace photoscribe
