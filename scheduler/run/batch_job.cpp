#include "scheduler/run/batch_job.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <sstream>
#include <utility>

#include "common/async/rethrow.h"
#include "common/async/wakeable_timer.h"
#include "scheduler/process/process_info.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStep{50};
constexpr milliseconds kShowEvery{200};
constexpr milliseconds kMeasureEvery{500};
constexpr std::chrono::seconds kStandstill{120};  // without a photo: a person should know why

}  // namespace

BatchJob::BatchJob(const RunRequest& request, const PreparedRun& prepared, Store& store,
                   RunObserver& observer, const StopHandle& stop, Clock::time_point started,
                   bool nothing_left)
    : request_(request),
      prepared_(prepared),
      observer_(observer),
      stop_(stop),
      started_(started),
      nothing_left_(nothing_left),
      store_(store) {}

Expected<redis::Endpoint> BatchJob::open_redis() {
  std::string url = request_.redis_url;
  if (url.empty()) {
    PrivateRedisOptions options;
    options.executable = request_.redis_server_executable;
    options.state_folder = request_.state_folder;
    Expected<PrivateRedis> redis = PrivateRedis::start(options);
    if (!redis) return fail(redis.error());
    redis_.emplace(std::move(*redis));
    redis_started_ = Clock::now();
    url = redis_->url();
  }
  Expected<redis::Endpoint> endpoint = redis::parse_endpoint(url);
  if (!endpoint) return endpoint;
  if (!redis_) {
    if (Status taken = redis::take_password_from_environment(*endpoint); !taken) {
      return fail(taken.error());
    }
  }
  return endpoint;
}

Expected<JobReport> BatchJob::run(int workers) {
  const Expected<redis::Endpoint> endpoint = open_redis();
  if (!endpoint) return fail(endpoint.error());
  endpoint_ = *endpoint;
  const auto say = [this](const Event& event) { emit(event); };
  SchedulerSettings settings = scheduler_settings(*endpoint);
  // Only cleaning up: an unreachable server is not worth a wait.
  if (workers == 0 && nothing_left_) settings.first_connect = milliseconds(500);
  scheduler_.emplace(io_, store_, std::move(settings), say);
  if (!nothing_left_ && !request_.schedule.between.empty()) {
    const Expected<DayWindow> hours = parse_day_window(request_.schedule.between);
    if (!hours) return fail(hours.error());
    hours_ = *hours;
  }
  if (workers > 0) {
    pool_.emplace(io_, worker_settings(*endpoint, workers), say);
    keep_hours(Clock::now());  // outside them no worker is started
    if (Status started = pool_->start(); !started) return fail(started.error());
    asio::co_spawn(io_, pool_->watch(), rethrow);
  }
  asio::co_spawn(io_, scheduler_->run(),
                 [this](std::exception_ptr thrown, Expected<SchedulerEnd> end) {
                   rethrow(thrown);
                   scheduler_end_.emplace(std::move(end));
                 });
  asio::co_spawn(io_, steer(), rethrow);
  if (!nothing_left_) open_control();
  if (Status watches = watch_photos(); !watches) give_up(watches.error());
  io_.run();
  watch_.reset();
  if (request_.monitor) request_.monitor->health.rest("finishing");

  if (failure_) return fail(*failure_);
  if (!*scheduler_end_ && !killed_) return fail(scheduler_end_->error());
  JobReport report;
  report.scheduler = scheduler_->now();
  const auto ended_as = [this](SchedulerEnd end) {
    return *scheduler_end_ && **scheduler_end_ == end;
  };
  report.end = ended_as(SchedulerEnd::complete)    ? RunEnd::complete
               : killed_                           ? RunEnd::killed
               : ended_as(SchedulerEnd::cancelled) ? RunEnd::cancelled
                                                   : RunEnd::stopped;
  // Nobody asks a run that watches to stop but a person, who does so when it has nothing to do.
  if (request_.watch && report.end == RunEnd::stopped && report.scheduler.counts.asked.pending == 0)
    report.end = RunEnd::complete;
  if (pool_) {
    report.worker_restarts = pool_->restarts();
    report.workers_peak_bytes = pool_->peak_bytes();
  }
  report.redis_peak_bytes = redis_peak_bytes_;
  report.finish_unix_s = finish_unix_s_;
  return report;
}

Status BatchJob::watch_photos() {
  if (!request_.watch || nothing_left_) return {};
  WatchSettings settings;
  settings.run = prepared_.run.id;
  settings.plan = prepared_.plan;
  settings.options = prepared_.options;
  settings.rescan_every = std::chrono::seconds(request_.watch_rescan_s);
  PhotoWatch::Calls calls;
  calls.added = [this](const RunCounts& counts) {
    asio::post(io_, [this, counts] { scheduler_->expect_more(counts); });
  };
  calls.say = [this](const Event& event) { asio::post(io_, [this, event] { emit(event); }); };
  auto started = PhotoWatch::start(std::move(settings), store_, std::move(calls));
  if (!started) return fail(started.error());
  watch_ = std::move(*started);
  return {};
}

bool BatchJob::over() const { return scheduler_end_.has_value() && (!pool_ || pool_->ended()); }

asio::awaitable<void> BatchJob::steer() {
  while (!over()) {
    step(Clock::now());
    co_await keep_events();
    co_await sleep_for(kStep);
  }
  if (control_) control_->close();
  next_show_ = Clock::time_point();
  show(Clock::now());  // the final state, as the summary will show it
  co_await keep_events();
}

void BatchJob::step(Clock::time_point now) {
  handle_stop_requests();
  keep_hours(now);
  watch_redis(now);
  watch_workers(now);
  warn_of_standstill(now);
  tell_monitor(now);
  if (scheduler_end_ && pool_ && !killed_) pool_->stop();
  if (draining_ && !finishing_ && (!pool_ || pool_->ended())) {
    finishing_ = true;  // no worker here will finish another photo: record what there is
    scheduler_->finish_up();
  }
  show(now);
}

void BatchJob::handle_stop_requests() {
  if (stop_.requests() >= 2 && !killed_ && !over()) {
    killed_ = true;
    phase_ = "stopping at once";
    if (pool_) pool_->kill();
    scheduler_->abort();
  } else if (stop_.requests() == 1 && !draining_) {
    begin_drain("stopping: handing work back");
  }
}

void BatchJob::begin_drain(std::string phase) {
  draining_ = true;
  phase_ = std::move(phase);
  scheduler_->stop_feeding();
  if (pool_) pool_->stop();
}

void BatchJob::watch_redis(Clock::time_point now) {
  if (!redis_ || scheduler_end_) return;
  if (now >= next_measure_) {
    next_measure_ = now + kMeasureEvery;
    redis_peak_bytes_ = std::max(redis_peak_bytes_, peak_resident_bytes(redis_->pid()));
  }
  if (redis_down_) {
    if (now < redis_due_) return;
    redis_down_ = false;
    // Blocks for some 20 ms; without a server there is nothing else to do.
    const Status again = redis_->restart();
    redis_started_ = Clock::now();
    if (!again) give_up(again.error());
    return;
  }
  if (redis_->running()) return;
  const std::int64_t finished = scheduler_->now().finished();
  ChildEnd end;
  end.alive = std::chrono::duration_cast<milliseconds>(now - redis_started_);
  const RestartDecision next = redis_restarts_.ended(end, finished > finished_at_redis_start_);
  finished_at_redis_start_ = finished;
  if (next.give_up) {
    give_up(Error{Errc::environment, "the private redis-server keeps ending: read " +
                                         request_.state_folder + "/redis.log"});
    return;
  }
  redis_down_ = true;
  redis_due_ = now + next.delay;
  warn(EventLevel::warning, "the private redis-server ended: starting an empty one");
}

void BatchJob::watch_workers(Clock::time_point now) {
  if (!pool_) return;
  const SchedulerNow at = scheduler_->now();
  pool_->set_progress(at.finished());
  if (!draining_ && !scheduler_end_) pool_->replace_silent(at.workers_silent);
  if (!pool_->given_up() || draining_ || scheduler_end_) return;
  if (!given_up_at_) given_up_at_ = now;
  // Workers of other hosts may continue; ours look alive in Redis for a while longer.
  const auto doubt = 2 * milliseconds(request_.lease.lease_ms);
  if (!redis_ && (at.workers_living > 0 || now - *given_up_at_ < doubt)) return;
  const WorkerPool::LastWords last = pool_->last_words();
  std::istringstream log(last.log_lines);
  for (std::string line; std::getline(log, line);) warn(EventLevel::error, "worker log: " + line);
  give_up(last.refused ? Error{Errc::usage, "every worker refused its arguments: " + last.why}
                       : Error{Errc::environment, "every worker keeps ending: " + last.why});
}

void BatchJob::give_up(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  if (redis_ && !redis_->running()) {
    scheduler_->abort();
    if (pool_) pool_->stop();
    draining_ = finishing_ = true;
    return;
  }
  begin_drain("stopping");
}

void BatchJob::warn_of_standstill(Clock::time_point now) {
  const SchedulerNow at = scheduler_->now();
  const std::int64_t finished = at.finished();
  const bool stands = finished == moved_ && at.counts.asked.pending > 0 && !draining_ && !at.paused;
  if (!stands || moved_at_ == Clock::time_point()) {
    moved_ = finished;
    moved_at_ = warned_at_ = now;
    return;
  }
  if (now - warned_at_ < kStandstill) return;
  warned_at_ = now;
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(now - moved_at_).count();
  std::string text = "no photo was finished for " + std::to_string(minutes) + " minutes";
  const std::string line = pool_ ? pool_->last_log_line() : "";
  if (pool_) text += "; see the workers' logs in " + request_.state_folder;
  if (!line.empty()) text += "; their last line: " + line;
  warn(EventLevel::warning, std::move(text));
}

void BatchJob::tell_monitor(Clock::time_point now) {
  if (!request_.monitor || now < next_tell_) return;
  next_tell_ = now + kShowEvery;
  QueueNow queue = scheduler_->queue_now();
  request_.monitor->health.tick(now, draining_ || killed_ || scheduler_end_ ? "stopping"
                                     : queue.connected                      ? ""
                                                       : "Redis does not answer");
  request_.monitor->show(prepared_.run.name, std::move(queue));
}

void BatchJob::show(Clock::time_point now) {
  if (now < next_show_ && !over()) return;
  next_show_ = now + kShowEvery;
  const SchedulerNow at = scheduler_->now();
  const StateCounts& counts = at.counts.asked;
  if (at.last_result &&
      !at.paused) {  // start-up, with its loading of models, is not part of the rate
    rate_.sample(now, at.finished());
    if (phase_ == "starting") phase_ = "captioning";
  }
  RunProgress progress;
  const bool finishing = scheduler_end_ && !draining_ && !killed_;
  const bool unserved = !at.nobody_serves.empty() && !draining_ && !killed_;
  const bool waits = request_.watch && counts.pending == 0 && !draining_ && !killed_;
  progress.phase = finishing  ? "finishing"
                   : waits    ? "watching"
                   : unserved ? "waiting for a worker"
                              : phase_;
  progress.total = counts.total();
  progress.done = counts.done;
  progress.unsure = counts.unsure;
  progress.blurred = counts.blurred;
  progress.failed = counts.failed();
  progress.pending = counts.pending;
  progress.photos_per_s = rate_.per_second();
  progress.left = at.paused ? std::nullopt : rate_.left(counts.pending);
  forecast(progress);
  progress.workers_alive = pool_ ? pool_->alive() : static_cast<int>(at.workers_living);
  progress.seconds = std::chrono::duration<double>(now - started_).count();
  observer_.progress(progress);
}

}  // namespace photoscribe
