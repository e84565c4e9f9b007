// unserved: when to report that no worker can serve a run. Pure. Workers start, end and open models
// all the time, so only what lasts is reported.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "scheduler/run_events.h"

namespace photoscribe {

class Unserved {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Unserved(std::chrono::milliseconds lease) : lease_(lease) {}

  /// One observation: why no worker can, or none. Returns what to report now, if anything: within a
  /// lease at first, then every ten minutes, and a new reason within one.
  [[nodiscard]] std::optional<Event> observe(std::optional<std::string> why, Clock::time_point now);
  /// Why, for a while already; empty: some worker can.
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  const std::chrono::milliseconds lease_;
  std::string why_;
  std::optional<Clock::time_point> since_;
  Clock::time_point reported_at_{};
};

}  // namespace photoscribe
