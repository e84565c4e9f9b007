// fleet_work: how many photos the workers have finished while a run was at work, and the CPU time
// they took for it, from what they report. Pure.
//
// Several runs may share the workers: then both numbers are of all of them, and only their ratio is
// of this run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/worker_report.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

class FleetWork {
 public:
  /// Reports of the workers that can serve the run. What the first ones say is what was before it;
  /// a worker that comes later began meanwhile. One that is gone keeps what it did.
  void observe(const std::vector<WorkerReport>& workers);
  [[nodiscard]] WorkDone done() const;

 private:
  struct Worker {
    WorkDone before, now;
  };
  std::map<std::string, Worker> workers_;  // by name, which no other process uses
  bool has_begun_ = false;
};

}  // namespace photoscribe
