// batch_job: the running part of run_batch(): scheduler, private Redis and workers on one
// io_context, started and ended together.
//
// One coroutine checks everything twenty times a second: stop requests, a Redis that died, workers
// that were given up on, progress. It decides the order of ending: stop feeding, let the workers
// hand back, record what they finished, then release everything.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/core/rate_meter.h"
#include "common/redis/endpoint.h"
#include "scheduler/control/control_socket.h"
#include "scheduler/process/private_redis.h"
#include "scheduler/process/worker_pool.h"
#include "scheduler/queue/scheduler.h"
#include "scheduler/run/prepare_run.h"
#include "scheduler/run/run_batch.h"
#include "scheduler/run/time_window.h"
#include "scheduler/run/watch_photos.h"

namespace photoscribe {

/// What the job did, once it has ended.
struct JobReport {
  RunEnd end = RunEnd::complete;
  SchedulerNow scheduler;
  int worker_restarts = 0;
  std::int64_t workers_peak_bytes = 0, redis_peak_bytes = 0;
  std::optional<std::int64_t> finish_unix_s;  // forecast of a run that keeps hours
};

class BatchJob {
 public:
  using Clock = std::chrono::steady_clock;

  /// References must outlive this. `started`: when run_batch() was called. `nothing_left`: every
  /// image is final, so only Redis is to be cleaned up.
  BatchJob(const RunRequest& request, const PreparedRun& prepared, Store& store,
           RunObserver& observer, const StopHandle& stop, Clock::time_point started,
           bool nothing_left = false);
  BatchJob(const BatchJob&) = delete;
  BatchJob& operator=(const BatchJob&) = delete;

  /// Starts Redis (unless one is named) and `workers` worker processes, and runs to the end. With 0
  /// workers and nothing unfinished it only deletes the run's keys.
  [[nodiscard]] Expected<JobReport> run(int workers);

 private:
  Expected<redis::Endpoint> open_redis();
  [[nodiscard]] WorkerPoolSettings worker_settings(const redis::Endpoint& endpoint,
                                                   int workers) const;
  [[nodiscard]] SchedulerSettings scheduler_settings(const redis::Endpoint& endpoint) const;

  asio::awaitable<void> steer();
  void step(Clock::time_point now);
  void handle_stop_requests();
  void watch_redis(Clock::time_point now);
  void watch_workers(Clock::time_point now);
  void warn_of_standstill(Clock::time_point now);
  void tell_monitor(Clock::time_point now);
  void show(Clock::time_point now);
  void give_up(Error error);
  void begin_drain(std::string phase);
  [[nodiscard]] Status watch_photos();
  void open_control();
  asio::awaitable<Expected<ControlReply>> handle_request(ControlRequest request);
  void apply_control(RunControl control);
  void keep_hours(Clock::time_point now);
  void apply_pause();
  void forecast(RunProgress& progress);
  asio::awaitable<void> keep_events();
  void emit(const Event& event);
  void warn(EventLevel level, std::string text);
  [[nodiscard]] bool over() const;

  const RunRequest& request_;
  const PreparedRun& prepared_;
  RunObserver& observer_;
  const StopHandle& stop_;
  Clock::time_point started_;
  bool nothing_left_;

  asio::io_context io_{1};
  StoreThread store_;
  std::optional<PrivateRedis> redis_;
  std::optional<redis::Endpoint> endpoint_;
  RestartPolicy redis_restarts_;
  Clock::time_point redis_started_{}, redis_due_{}, next_measure_{}, next_show_{}, next_tell_{};
  Clock::time_point moved_at_{}, warned_at_{};  // the last finished photo, the last warning
  std::int64_t moved_ = 0;
  bool redis_down_ = false;
  std::optional<WorkerPool> pool_;
  std::optional<Scheduler> scheduler_;
  std::optional<Expected<SchedulerEnd>> scheduler_end_;
  std::optional<ControlServer> control_;
  std::optional<DayWindow> hours_;
  Clock::time_point next_hours_{};
  bool asked_to_pause_ = false, out_of_hours_ = false;  // either: nothing is started
  std::optional<std::chrono::seconds> left_;            // last estimate while photos were started
  std::optional<std::int64_t> finish_unix_s_;           // with hours: as last forecast
  Clock::time_point next_forecast_{};
  RateMeter rate_;
  std::string phase_ = "starting";
  std::vector<StoreEvent> events_;  // not yet in the database
  std::optional<Error> failure_;    // what run() fails with, after what is done is recorded
  std::optional<Clock::time_point> given_up_at_;
  bool draining_ = false, killed_ = false, finishing_ = false;
  std::int64_t redis_peak_bytes_ = 0, finished_at_redis_start_ = 0;
  std::unique_ptr<PhotoWatch> watch_;  // last: its thread uses the rest
};

/// The arguments of worker `index` of `workers` (design.md 9): Redis, roots, model, its share of
/// the devices. No password among them.
[[nodiscard]] std::vector<std::string> worker_arguments(const RunRequest& request,
                                                        const std::vector<Root>& roots,
                                                        const redis::Endpoint& endpoint, int index,
                                                        int workers);

}  // namespace photoscribe
