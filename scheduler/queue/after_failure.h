// after_failure: what a scheduler does after a failed turn of its loop. Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "common/core/error.h"
#include "scheduler/queue/run_mode.h"

namespace photoscribe {

/// A failed turn, and the state of the run.
struct FailedTurn {
  Errc code = Errc::internal;
  int failures = 1;  // in a row, with this one
  Mode mode = Mode::run;
  bool is_open = false;         // the connection
  bool ever_connected = false;  // to a server that we can use
  bool has_photos = true;       // unfinished ones
  std::chrono::steady_clock::duration since_start{0};
  std::chrono::milliseconds first_connect{0};  // SchedulerSettings
};

enum class AfterFailure : std::uint8_t {
  give_up,     // waiting does not help
  drain,       // results that stay in Redis are recorded at the next start
  leave_keys,  // only cleaning up is left: keys expire by themselves
  try_again,
};

/// Redis is unreachable, or refuses commands.
[[nodiscard]] constexpr bool is_redis_away(Errc code) noexcept {
  return code == Errc::redis_unavailable || code == Errc::cancelled;
}

[[nodiscard]] AfterFailure after_failure(const FailedTurn& turn) noexcept;

}  // namespace photoscribe
