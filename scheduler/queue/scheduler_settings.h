// scheduler_settings: what a Scheduler is given.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/core/spec.h"
#include "common/redis/endpoint.h"
#include "scheduler/queue/run_meters.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

struct SchedulerSettings {
  RunId run = 0;
  RunSpec spec;                  // what workers read; its roots are names
  bool stays_open = false;       // run() goes on when every photo is final: more may come
  bool own_workers = false;      // the caller starts some, and reports it if they cannot start
  redis::Endpoint endpoint;      // password included
  std::int64_t window = 50'000;  // design.md 2; bounds |S| and XLEN tasks (H6)
  std::int64_t remembered_max = 500'000;           // results in Redis, for photos with equal bytes
  int weight = 1, priority = 0;                    // of the run among others on the same fleet
  double rate_per_s = 0;                           // tasks fed per second, at most; 0: no limit
  std::chrono::milliseconds first_connect{8'000};  // longest wait for an answer at the start
  std::chrono::milliseconds idle_poll_max{50};  // between two looks for results when there are none
  std::chrono::milliseconds silent_after{30'000};  // without a beat: see SchedulerNow

  std::shared_ptr<RunMeters> meters = std::make_shared<RunMeters>();  // never null

  [[nodiscard]] std::chrono::milliseconds lease() const {
    return std::chrono::milliseconds(spec.lease.lease_ms);
  }
};

/// What follows from the run itself; the endpoint and the machine's settings are left.
[[nodiscard]] SchedulerSettings scheduler_settings_of(const RunRow& run,
                                                      const std::vector<Root>& roots,
                                                      const LeaseSettings& lease,
                                                      std::int64_t remembered_max);

}  // namespace photoscribe
