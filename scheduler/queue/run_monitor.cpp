#include "scheduler/queue/run_monitor.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "scheduler/queue/nobody_serves.h"

namespace photoscribe {
namespace {

using http::MetricsText;
using Type = MetricsText::Type;

StateCounts sum(const RunCounts& counts) {
  StateCounts all = counts.asked;
  all.pending += counts.others.pending;
  all.done += counts.others.done;
  all.unsure += counts.others.unsure;
  all.blurred += counts.others.blurred;
  for (std::size_t i = 0; i < all.failed_by_reason.size(); ++i) {
    all.failed_by_reason[i] += counts.others.failed_by_reason[i];
  }
  return all;
}

double real(std::int64_t count) { return static_cast<double>(count); }

}  // namespace

void add_counts(MetricsText& out, const CountsByRun& runs) {
  out.family("photoscribe_photos", Type::gauge, "Photos of a run by state.");
  for (const auto& [run, counts] : runs) {
    const StateCounts all = sum(counts);
    out.sample({{"run", run}, {"state", "pending"}}, real(all.pending));
    out.sample({{"run", run}, {"state", "done"}}, real(all.done));
    out.sample({{"run", run}, {"state", "unsure"}}, real(all.unsure));
    out.sample({{"run", run}, {"state", "blurred"}}, real(all.blurred));
    out.sample({{"run", run}, {"state", "failed"}}, real(all.failed()));
  }
  out.family("photoscribe_failed_photos", Type::gauge, "Failed photos of a run by reason.");
  for (const auto& [run, counts] : runs) {
    const StateCounts all = sum(counts);
    for (std::size_t i = 0; i < all.failed_by_reason.size(); ++i) {
      if (all.failed_by_reason[i] == 0) continue;
      out.sample({{"run", run}, {"reason", to_string(static_cast<Reason>(i))}},
                 real(all.failed_by_reason[i]));
    }
  }
}

std::shared_ptr<RunMeters> RunMonitor::meters_of(const std::string& run) {
  const std::lock_guard lock(mutex_);
  return runs_[run].meters;
}

void RunMonitor::show(const std::string& run, QueueNow now) {
  const std::lock_guard lock(mutex_);
  Run& known = runs_[run];
  known.counts = now.counts;
  known.now = std::move(now);
}

void RunMonitor::ended(const std::string& run) {
  const std::lock_guard lock(mutex_);
  runs_[run].now.reset();
}

CountsByRun RunMonitor::counts() const {
  CountsByRun all;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, run] : runs_) all.emplace_back(name, run.counts);
  return all;
}

void RunMonitor::add_queues(MetricsText& out) const {
  bool up = true, some = false;
  for (const auto& [name, run] : runs_) {
    some = some || run.now;
    up = up && (!run.now || run.now->connected);
  }
  out.family("photoscribe_redis_up", Type::gauge, "1 while Redis answers; absent without a run.");
  if (some) out.sample({}, up ? 1 : 0);
  const auto each = [&](auto&& add) {
    for (const auto& [name, run] : runs_) {
      if (run.now && run.now->look) add(name, *run.now->look);
    }
  };
  out.family("photoscribe_queue_tasks", Type::gauge,
             "Tasks of a run in Redis: waiting for a worker, or held by one.");
  each([&](const std::string& run, const redis::Look& look) {
    out.sample({{"run", run}, {"state", "waiting"}},
               real(std::max<std::int64_t>(0, look.tasks_length - look.pending)));
    out.sample({{"run", run}, {"state", "held"}}, real(look.pending));
  });
  out.family("photoscribe_queue_oldest_task_seconds", Type::gauge,
             "Age of the oldest task in Redis, waiting or held; 0 without a task.");
  each([&](const std::string& run, const redis::Look& look) {
    out.sample({{"run", run}}, std::chrono::duration<double>(look.oldest_age).count());
  });
  out.family("photoscribe_queue_results", Type::gauge,
             "Batches of results in Redis that are not recorded yet.");
  each([&](const std::string& run, const redis::Look& look) {
    out.sample({{"run", run}}, real(look.results_length));
  });
}

void RunMonitor::add_workers(MetricsText& out) const {
  std::map<std::string, const SeenWorker*> by_name;  // every run's scheduler sees all of them
  for (const auto& [name, run] : runs_) {
    if (!run.now) continue;
    for (const SeenWorker& worker : run.now->workers) {
      if (is_present(worker)) by_name[worker.report.name] = &worker;
    }
  }
  std::map<std::tuple<std::string, std::string, std::string>, std::int64_t> counts;
  for (const auto& [name, worker] : by_name) {
    const WorkerReport& report = worker->report;
    for (const std::string& device : report.devices) {
      ++counts[{report.host, device, report.model_name}];
    }
  }
  out.family("photoscribe_workers", Type::gauge,
             "Workers that report to Redis, by host, device and model.");
  for (const auto& [key, workers] : counts) {
    const auto& [host, device, model] = key;
    out.sample({{"host", host}, {"device", device}, {"model", model}}, real(workers));
  }
}

void RunMonitor::add_counters(MetricsText& out) const {
  const auto each = [&](auto&& add) {
    for (const auto& [name, run] : runs_) add(name, *run.meters);
  };
  out.family("photoscribe_scheduler_recorded_total", Type::counter,
             "Results recorded by this process, by state of the photo.");
  each([&](const std::string& run, const RunMeters& meters) {
    out.sample({{"run", run}, {"state", "done"}}, meters.done);
    out.sample({{"run", run}, {"state", "unsure"}}, meters.unsure);
    out.sample({{"run", run}, {"state", "blurred"}}, meters.blurred);
    out.sample({{"run", run}, {"state", "failed"}}, meters.failed);
  });
  out.family("photoscribe_scheduler_retries_total", Type::counter,
             "Tasks enqueued again: asked for, lost by Redis, or judged by another threshold.");
  each([&](const std::string& run, const RunMeters& meters) {
    out.sample({{"run", run}, {"why", "asked"}}, meters.retried);
    out.sample({{"run", run}, {"why", "lost"}}, meters.lost);
    out.sample({{"run", run}, {"why", "rejudged"}}, meters.rejudged);
  });
  out.family("photoscribe_scheduler_reclaims_total", Type::counter,
             "Tasks of dead workers that the scheduler itself took, while no other worker lived: "
             "given back to the queue, or failed after too many crashes.");
  each([&](const std::string& run, const RunMeters& meters) {
    out.sample({{"run", run}, {"verdict", "released"}}, meters.released);
    out.sample({{"run", run}, {"verdict", "condemned"}}, meters.condemned);
  });
  out.family("photoscribe_scheduler_reconciles_total", Type::counter,
             "Comparisons of Redis with the database, one at every connection.");
  each([&](const std::string& run, const RunMeters& meters) {
    out.sample({{"run", run}}, meters.reconciles);
  });
  out.family("photoscribe_scheduler_commit_results", Type::histogram,
             "Results of a transaction of the recorder.");
  each([&](const std::string& run, const RunMeters& meters) {
    out.sample({{"run", run}}, meters.commit_results);
  });
  out.family("photoscribe_scheduler_commit_seconds", Type::histogram,
             "Time of a transaction of the recorder, waiting for the disk included.");
  each([&](const std::string& run, const RunMeters& meters) {
    out.sample({{"run", run}}, meters.commit_seconds);
  });
}

void RunMonitor::add_metrics(MetricsText& out) const {
  out.family("photoscribe_scheduler_ready", Type::gauge, "1 while it serves its runs (/readyz).");
  out.sample({}, health.report().ready ? 1 : 0);
  const std::lock_guard lock(mutex_);
  add_queues(out);
  add_workers(out);
  add_counters(out);
}

std::string RunMonitor::text() const {
  MetricsText out;
  add_counts(out, counts());
  add_metrics(out);
  out.add_process();
  return out.text();
}

}  // namespace photoscribe
