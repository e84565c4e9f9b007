#include "scheduler/process/restart_policy.h"

#include "common/async/backoff.h"

namespace photoscribe {

RestartDecision RestartPolicy::ended(const ChildEnd& end, bool progressed) {
  RestartDecision decision;
  if (end.signal == 0 && end.exit_code == kWorkerExitUsage) {  // the same arguments fail again
    decision.give_up = true;
    return decision;
  }
  if (progressed || end.alive >= settings_.healthy_after) quick_deaths_ = 0;
  if (end.alive < settings_.healthy_after) ++quick_deaths_;
  if (quick_deaths_ >= settings_.quick_deaths_max) {
    decision.give_up = true;
    return decision;
  }
  // A first "replace me" is not a fault of the new process: no wait. A loop of them is.
  const bool replace = end.signal == 0 && end.exit_code == kWorkerExitReplace;
  if (replace && quick_deaths_ <= 1) return decision;
  BackoffSettings delays;
  delays.first = settings_.delay_first;
  delays.longest = settings_.delay_max;
  decision.delay = backoff(quick_deaths_, 1.0, delays);
  return decision;
}

}  // namespace photoscribe
