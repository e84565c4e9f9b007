#include "scheduler/queue/after_failure.h"

namespace photoscribe {
namespace {

constexpr int kTriesAtTheEnd = 8;  // about ten seconds: nothing is lost by giving up then

}  // namespace

AfterFailure after_failure(const FailedTurn& turn) noexcept {
  const bool away = is_redis_away(turn.code);
  if (!away && turn.code != Errc::run_gone) return AfterFailure::give_up;
  if (away && !turn.ever_connected && !turn.is_open && turn.since_start > turn.first_connect) {
    return AfterFailure::give_up;
  }
  if (turn.mode == Mode::finish && turn.failures > kTriesAtTheEnd / 2) return AfterFailure::drain;
  const bool at_the_end = !turn.has_photos || turn.mode == Mode::cancel;
  if (at_the_end && turn.failures > kTriesAtTheEnd) return AfterFailure::leave_keys;
  return AfterFailure::try_again;
}

}  // namespace photoscribe
