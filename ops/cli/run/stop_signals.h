// stop_signals: Ctrl-C and similar signals as requests to stop: the first drains, the second stops
// at once.
#pragma once

#include "scheduler/run_events.h"

namespace photoscribe::cli {

/// Turns SIGINT, SIGTERM and SIGHUP into requests to a StopHandle while it lives, and prints to
/// standard error what each does. A signal that was ignored when the process started (nohup) stays
/// ignored. At most one object exists at a time.
class StopSignals {
 public:
  enum class Messages { print, none };
  explicit StopSignals(StopHandle& stop, Messages messages = Messages::print);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

}  // namespace photoscribe::cli
