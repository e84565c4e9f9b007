// run_mode: what a run's scheduler is asked to do, weakest request first. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace photoscribe {

enum class Mode : std::uint8_t {
  run,
  pause,   // nothing is started; what is in hand is finished and recorded
  cancel,  // as pause, and the run ends once nothing is in hand
  finish,  // what is in the results stream is recorded, then the run ends
  abort,   // ends at the next step
};

/// The mode after `asked` was requested: a stronger mode stays, and `run` takes back nothing but a
/// pause.
[[nodiscard]] constexpr Mode follow(Mode now, Mode asked) noexcept {
  if (asked == Mode::run) return now == Mode::pause ? Mode::run : now;
  return std::max(now, asked);
}

[[nodiscard]] constexpr bool may_begin_photos(Mode mode) noexcept { return mode == Mode::run; }
[[nodiscard]] constexpr bool is_paused(Mode mode) noexcept {
  return mode == Mode::pause || mode == Mode::cancel;
}
/// The run no longer waits for anything.
[[nodiscard]] constexpr bool is_ending(Mode mode) noexcept { return mode >= Mode::finish; }

}  // namespace photoscribe
