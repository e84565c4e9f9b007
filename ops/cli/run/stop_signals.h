// stop_signals: Ctrl-C and its like as requests to stop: the first drains, the second ends at once.
#pragma once

#include "scheduler/run_events.h"

namespace photoscribe::cli {

/// Directs SIGINT, SIGTERM and SIGHUP to a StopHandle while it lives, and says on standard error
/// what each does. A signal that was ignored when we were started (nohup) stays ignored. One at a
/// time.
class StopSignals {
 public:
  enum class Messages { print, none };
  explicit StopSignals(StopHandle& stop, Messages messages = Messages::print);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

}  // namespace photoscribe::cli
