// run_meters: what the parts of a Scheduler count for /metrics. Written on its thread, read on
// another; nothing is decided by it. ops/docs/metrics.md lists the names.
#pragma once

#include "common/core/counters.h"

namespace photoscribe {

struct RunMeters {
  Histogram commit_seconds{kSecondsBounds};  // a transaction of the recorder
  Histogram commit_results{kPhotosBounds};   // that it wrote
  Counter done, unsure, blurred, failed;     // results recorded
  Counter retried;                           // enqueued for another attempt, since somebody asked
  Counter lost;                              // enqueued again since Redis had them no more
  Counter rejudged;             // asked again: judged with another threshold than the run's
  Counter released, condemned;  // of workers that died while no other lived
  Counter reconciles;
};

}  // namespace photoscribe
