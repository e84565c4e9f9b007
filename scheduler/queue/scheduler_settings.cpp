#include "scheduler/queue/scheduler_settings.h"

namespace photoscribe {

SchedulerSettings scheduler_settings_of(const RunRow& run, const std::vector<Root>& roots,
                                        const LeaseSettings& lease, std::int64_t remembered_max) {
  SchedulerSettings settings;
  settings.run = run.id;
  settings.remembered_max = remembered_max;
  settings.rate_per_s = run.schedule.rate_per_s;
  settings.weight = run.schedule.weight;
  settings.priority = run.schedule.priority;
  RunSpec& spec = settings.spec;
  spec.run = run.name;
  spec.settings = run.settings;
  spec.settings.preprocessing_version = kPreprocessingVersion;  // what workers do from now on
  spec.remembers = remembered_max > 0;
  spec.lease = lease;
  for (const Root& root : roots) spec.roots.push_back(root.name);
  return settings;
}

}  // namespace photoscribe
