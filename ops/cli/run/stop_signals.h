// stop_signals: Ctrl-C and its like as requests to stop: the first drains, the second ends at once.
#pragma once

#include "scheduler/run_events.h"

namespace photoscribe::cli {

/// Directs SIGINT, SIGTERM and SIGHUP to a StopHandle while it lives, and says on standard error
/// what each does. A signal that was ignored when we were started (nohup) stays ignored. One at a
/// time.
class SignalsTo {
 public:
  enum class Say { what_they_do, nothing };
  explicit SignalsTo(StopHandle& stop, Say say = Say::what_they_do);
  ~SignalsTo();
  SignalsTo(const SignalsTo&) = delete;
  SignalsTo& operator=(const SignalsTo&) = delete;
};

}  // namespace photoscribe::cli
