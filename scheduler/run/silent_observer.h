// silent_observer: of work that reports nothing but its outcome.
#pragma once

#include "scheduler/run_events.h"

namespace photoscribe {

class SilentObserver : public RunObserver {
 public:
  void progress(const RunProgress& /*now*/) override {}
  void event(const Event& /*event*/) override {}
};

}  // namespace photoscribe
