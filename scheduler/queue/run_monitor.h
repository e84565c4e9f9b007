// run_monitor: how a process that serves runs gets on, for /livez, /readyz and /metrics: it is told
// by the loops that steer, and asked by servers on threads of their own.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/core/health.h"
#include "common/core/worker_report.h"
#include "common/http/metrics_text.h"
#include "common/redis/queue_types.h"
#include "scheduler/queue/run_meters.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

/// A run that is being served, as its scheduler saw it last.
struct QueueNow {
  RunCounts counts;
  bool connected = false;           // to Redis
  std::optional<redis::Look> look;  // none before the first, and without a connection
  std::vector<SeenWorker> workers;  // of the server, of any run
};

/// Photos by state and failures by reason, of runs by name: two families.
using CountsByRun = std::vector<std::pair<std::string, RunCounts>>;
void add_counts(http::MetricsText& out, const CountsByRun& runs);

class RunMonitor {
 public:
  Health health{std::chrono::seconds(10), "starting: looking for photos"};

  /// What the scheduler of this run counts into; the same for a run that is served again.
  [[nodiscard]] std::shared_ptr<RunMeters> meters_of(const std::string& run);
  void show(const std::string& run, QueueNow now);
  /// It is not served any more: what it counted stays.
  void ended(const std::string& run);

  [[nodiscard]] CountsByRun counts() const;
  /// Everything but counts().
  void add_metrics(http::MetricsText& out) const;
  /// A whole /metrics.
  [[nodiscard]] std::string text() const;

 private:
  struct Run {
    std::shared_ptr<RunMeters> meters = std::make_shared<RunMeters>();
    RunCounts counts;
    std::optional<QueueNow> now;  // none: it is not served
  };
  void add_queues(http::MetricsText& out) const;
  void add_workers(http::MetricsText& out) const;
  void add_counters(http::MetricsText& out) const;

  mutable std::mutex mutex_;
  std::map<std::string, Run> runs_;
};

}  // namespace photoscribe
