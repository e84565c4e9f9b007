// queue_parts: what the taker and the dispatcher both work with. All of it outlives them and their
// coroutines.
#pragma once

#include "worker/health/machine_rest.h"
#include "worker/health/root_keeper.h"
#include "worker/health/worker_metrics.h"
#include "worker/queue/held_tasks.h"
#include "worker/queue/link.h"

namespace photoscribe {

struct QueueParts {
  Link& link;  // each has its own
  JoinedRuns& runs;
  HeldTasks& held;
  JobsInWork& jobs;
  RootKeeper& roots;
  MachineRest& machine;
  Wakes& wakes;
  Stop& stop;
  WorkerMetrics& metrics;
};

}  // namespace photoscribe
