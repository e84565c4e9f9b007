#include "scheduler/queue/fleet_work.h"

namespace photoscribe {

void FleetWork::observe(const std::vector<WorkerReport>& workers) {
  for (const WorkerReport& report : workers) {
    if (report.cpu_s <= 0) continue;  // of a release that does not tell
    const WorkDone now{report.photos, report.cpu_s};
    const auto [known, is_new] = workers_.try_emplace(report.name);
    if (is_new && !has_begun_) known->second.before = now;
    known->second.now = now;
  }
  has_begun_ = true;
}

WorkDone FleetWork::done() const {
  WorkDone sum;
  for (const auto& [name, worker] : workers_) {
    if (worker.now.photos <= worker.before.photos) continue;  // it waited
    sum.photos += worker.now.photos - worker.before.photos;
    sum.cpu_s += worker.now.cpu_s - worker.before.cpu_s;
  }
  return sum;
}

}  // namespace photoscribe
