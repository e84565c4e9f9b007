// fleet_watch: whether any worker can serve the run. Workers that cannot do not join it, and say so
// only in their own logs and in their reports.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/worker_report.h"
#include "common/redis/connection.h"
#include "scheduler/queue/fleet_work.h"
#include "scheduler/queue/scheduler_settings.h"
#include "scheduler/queue/trouble_reporter.h"
#include "scheduler/queue/unserved.h"

namespace photoscribe {

class FleetWatch {
 public:
  /// References must outlive this.
  FleetWatch(const SchedulerSettings& settings, redis::Connection& connection,
             TroubleReporter& reporter)
      : settings_(settings),
        connection_(connection),
        reporter_(reporter),
        unserved_(settings.lease()) {}

  /// `living`: workers of the run with a heartbeat, whether they report or not. `wants_workers`:
  /// there are photos to start.
  [[nodiscard]] boost::asio::awaitable<Status> look(std::size_t living, bool wants_workers);
  /// Unserved::why().
  [[nodiscard]] const std::string& nobody_serves() const { return unserved_.why(); }
  /// As look() found them.
  [[nodiscard]] const std::vector<SeenWorker>& workers() const { return workers_; }
  /// What the workers have done since the first look.
  [[nodiscard]] WorkDone work() const { return work_.done(); }

 private:
  const SchedulerSettings& settings_;
  redis::Connection& connection_;
  TroubleReporter& reporter_;
  Unserved unserved_;
  std::vector<SeenWorker> workers_;
  FleetWork work_;
  bool may_read_ = true;  // not with fewer rights than redis-users.conf gives
};

}  // namespace photoscribe
