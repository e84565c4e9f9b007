#include "scheduler/run/serve.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "common/async/rethrow.h"
#include "common/async/wakeable_timer.h"
#include "common/sqlite/lock_file.h"
#include "scheduler/process/private_folder.h"
#include "scheduler/run/on_finish.h"
#include "scheduler/run/prepare_run.h"
#include "scheduler/run/stored_commands.h"
#include "scheduler/run/submit.h"
#include "scheduler/store/store.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kServeStep{50};
constexpr milliseconds kLookForRunsEvery{1'000};
constexpr milliseconds kShowRunsEvery{500};

constexpr const char* kNotCalled =
    ": its on-finish command was not stored by this user, or the database is another user's, so it "
    "is not run; --allow-stored-commands runs it";

std::int64_t recorded(const Scheduler& scheduler) { return scheduler.now().finished(); }

SchedulerSettings settings_of(const ServeRequest& request, const redis::Endpoint& endpoint,
                              const RunRow& row, const std::vector<Root>& roots) {
  SchedulerSettings settings =
      scheduler_settings_of(row, roots, request.lease, request.remembered_max);
  settings.endpoint = endpoint;
  settings.window = request.window;
  if (request.monitor) settings.meters = request.monitor->meters_of(row.name);
  return settings;
}

}  // namespace

RunServer::RunServer(const ServeRequest& request, redis::Endpoint endpoint, Store& store,
                     RunObserver& observer, const StopHandle& stop)
    : request_(request),
      endpoint_(std::move(endpoint)),
      observer_(observer),
      stop_(stop),
      store_(store) {}

Expected<ServeSummary> RunServer::run() {
  control_.emplace(io_, [this](ControlRequest asked) { return handle_request(std::move(asked)); });
  if (Status open = control_->open(request_.state_folder); !open) return fail(open.error());
  asio::co_spawn(io_, steer(), rethrow);
  io_.run();
  if (request_.monitor) request_.monitor->health.rest("finishing");
  walkers_.join();
  collect_calls(true);
  if (failure_) return fail(*failure_);
  summary_.end = killed_ ? RunEnd::killed : draining_ ? RunEnd::stopped : RunEnd::complete;
  summary_.photos = photos_before_;
  summary_.pending = pending_;
  return summary_;
}

asio::awaitable<void> RunServer::steer() {
  for (;;) {
    handle_stop_requests();
    co_await remove_ended();
    if (Clock::now() >= next_look_ && !draining_) co_await look_for_runs();
    keep_hours();
    collect_calls(false);
    show(Clock::now());
    tell_monitor(Clock::now());
    if (served_.empty() && submissions_ == 0 && (draining_ || nothing_left())) break;
    if (request_.once && nothing_left()) finish_all();
    co_await sleep_for(kServeStep);
  }
  control_->close();
}

bool RunServer::nothing_left() const {
  if (!request_.once || unfinished_runs_ != 0 || submissions_ > 0) return false;
  for (const auto& [id, run] : served_) {
    const SchedulerNow at = run->scheduler->now();
    if (!run->asked_to_pause || at.in_hand > 0) return false;
  }
  return true;
}

void RunServer::finish_all() {
  for (const auto& [id, run] : served_) run->scheduler->finish_up();
}

void RunServer::handle_stop_requests() {
  if (stop_.requests() >= 2 && !killed_) {
    killed_ = draining_ = true;
    for (const auto& [id, run] : served_) run->scheduler->abort();
  } else if ((stop_.requests() == 1 || drain_asked_ || failure_) && !draining_) {
    draining_ = true;
    finish_all();
  }
}

Expected<std::vector<RunServer::Unfinished>> RunServer::unfinished(Lookup& store, bool watches) {
  const Expected<std::vector<RunRow>> rows = store.runs();
  if (!rows) return fail(rows.error());
  Expected<std::map<RunId, std::string>> watched = store.watched_runs();
  if (!watched) return fail(watched.error());
  if (!watches) watched->clear();
  std::vector<Unfinished> all;
  for (const RunRow& row : *rows) {
    const Expected<RunCounts> counts = store.counts(row.id);
    if (!counts) return fail(counts.error());
    const auto submission = watched->find(row.id);
    const bool watch = submission != watched->end();
    if (row.control != RunControl::running || (counts->asked.pending == 0 && !watch)) continue;
    Expected<std::vector<Root>> roots = store.roots(row.id);
    if (!roots) return fail(roots.error());
    all.push_back({row, std::move(*roots), *counts, watch ? submission->second : ""});
  }
  return all;
}

asio::awaitable<void> RunServer::look_for_runs() {
  next_look_ = Clock::now() + kLookForRunsEvery;
  const auto list = [watches = !request_.once](Lookup& store) {
    return unfinished(store, watches);
  };
  Expected<std::vector<Unfinished>> found = co_await store_.call(list);
  if (!found) {
    const Errc code = found.error().code;  // a full or locked disk is reported by each Scheduler
    if (code != Errc::store_busy && code != Errc::store_full) failure_ = found.error();
    co_return;
  }
  unfinished_runs_ = static_cast<std::int64_t>(found->size());
  pending_ = 0;
  for (Unfinished& run : *found) {
    pending_ += run.counts.asked.pending;
    const bool known = served_.contains(run.row.id) || submitted_.contains(run.row.name);
    if (!known && !draining_) begin(std::move(run));
  }
}

void RunServer::begin(Unfinished run) {
  auto served = std::make_unique<Served>();
  served->row = std::move(run.row);
  served->number = ++begun_;
  const std::string name = served->row.name;
  if (!served->row.schedule.between.empty()) {
    if (const auto hours = parse_day_window(served->row.schedule.between)) served->hours = *hours;
  }
  const auto tell = [this, name](const Event& event) {
    say(event.level, "run " + name + ": " + event.text);
  };
  SchedulerSettings settings = settings_of(request_, endpoint_, served->row, run.roots);
  // A server that has answered before comes back; one that never did is a wrong address.
  settings.stays_open = !run.watched.empty();
  if (redis_answered_) settings.first_connect = std::chrono::hours(24);
  served->scheduler = std::make_unique<Scheduler>(io_, store_, std::move(settings), tell);
  Served* const at = served.get();
  served_[at->row.id] = std::move(served);
  keep_hours();
  asio::co_spawn(io_, at->scheduler->run(),
                 [at](std::exception_ptr thrown, Expected<SchedulerEnd> end) {
                   rethrow(thrown);
                   at->end.emplace(std::move(end));
                 });
  say(EventLevel::info, "serving run " + name + ": " + std::to_string(run.counts.asked.pending) +
                            " photos to do" +
                            (run.watched.empty() ? "" : ", and what comes into its folders"));
  if (!run.watched.empty())
    asio::co_spawn(io_, watch(at->row.id, at->number, std::move(run.watched)), rethrow);
  const std::string& command = at->row.schedule.on_finish;
  if (command.empty()) return;
  say(EventLevel::info, "run " + name + " has an on-finish command: " + shown_on_finish(command));
  if (!may_call(at->row)) say(EventLevel::warning, "run " + name + kNotCalled);
}

RunServer::Served* RunServer::served(RunId id, std::uint64_t number) {
  const auto found = served_.find(id);
  const bool there = found != served_.end() && found->second->number == number;
  return there && !found->second->end && !draining_ ? found->second.get() : nullptr;
}

bool RunServer::may_call(const RunRow& row) const {
  return request_.allow_stored_commands ||
         is_stored_by_us(request_.database, row.name, row.schedule.on_finish);
}

asio::awaitable<void> RunServer::remove_ended() {
  for (auto each = served_.begin(); each != served_.end();) {
    const std::unique_ptr<Served>& run = each->second;
    if (!run->end) {
      ++each;
      continue;
    }
    photos_before_ += recorded(*run->scheduler);
    const Expected<SchedulerEnd> end = *run->end;
    RunRow row = run->row;
    if (request_.monitor) {
      request_.monitor->show(row.name, run->scheduler->queue_now());
      request_.monitor->ended(row.name);
    }
    each = served_.erase(each);
    next_look_ = Clock::time_point();
    if (!end) {
      if (!failure_) failure_ = end.error();
    } else if (*end == SchedulerEnd::complete || *end == SchedulerEnd::cancelled) {
      ++summary_.runs_finished;
      const bool complete = *end == SchedulerEnd::complete;
      co_await call_back(std::move(row), complete ? RunEnd::complete : RunEnd::cancelled);
      each = served_.begin();  // others may have been added meanwhile
    }
  }
}

asio::awaitable<void> RunServer::call_back(RunRow row, RunEnd end) {
  const RunId id = row.id;
  const auto sum_up = [id](Lookup& store) { return store.summary(id); };
  const Expected<StoreSummary> stored = co_await store_.call(sum_up);
  if (!stored) co_return;  // the next look fails for the same reason, and reports it
  RunSummary summary;
  summary.run = row.name;
  summary.database = request_.database;
  summary.end = end;
  const StateCounts& counts = stored->counts.asked;
  summary.total = counts.total();
  summary.done = counts.done;
  summary.unsure = counts.unsure;
  summary.blurred = counts.blurred;
  summary.failed = counts.failed();
  summary.pending = counts.pending;
  say(EventLevel::info,
      "run " + row.name + ": " + to_string(end) + ", " + std::to_string(summary.done) +
          " captioned, " + std::to_string(summary.unsure) + " unsure, " +
          std::to_string(summary.blurred) + " blurred, " + std::to_string(summary.failed) +
          " failed, " + std::to_string(summary.pending) + " to do");
  if (row.schedule.on_finish.empty()) co_return;
  if (!may_call(row)) {
    say(EventLevel::warning, "run " + row.name + kNotCalled);
    co_return;
  }
  FinishCall call;
  call.what = row.schedule.on_finish;
  call.log_file = request_.state_folder + "/on_finish.log";
  call.facts = finish_facts(summary);
  call.give_up = [this] { return stop_.requests() > 1; };
  calls_.push_back(std::async(std::launch::async, call_on_finish, std::move(call)));
}

void RunServer::collect_calls(bool wait) {
  for (auto call = calls_.begin(); call != calls_.end();) {
    const bool over = wait || call->wait_for(milliseconds(0)) == std::future_status::ready;
    if (over) observer_.event(call->get());
    call = over ? calls_.erase(call) : std::next(call);
  }
}

void RunServer::keep_hours() {
  if (draining_) return;
  for (const auto& [id, run] : served_) {
    if (!run->hours) continue;
    const bool closed = !is_open(*run->hours, local_minute(request_.unix_clock()));
    if (closed == run->out_of_hours) continue;
    run->out_of_hours = closed;
    say(EventLevel::info, "run " + run->row.name + (closed ? ": out of" : ": within") +
                              " its hours (" + run->row.schedule.between + ")");
    apply_pause(*run);
  }
}

void RunServer::show(Clock::time_point now) {
  if (now < next_show_) return;
  next_show_ = now + kShowRunsEvery;
  RunProgress progress;
  std::int64_t all = photos_before_;
  std::int64_t unserved = 0;
  for (const auto& [id, run] : served_) {
    const SchedulerNow at = run->scheduler->now();
    const StateCounts& counts = at.counts.asked;
    unserved += at.nobody_serves.empty() ? 0 : 1;
    progress.total += counts.total();
    progress.done += counts.done;
    progress.unsure += counts.unsure;
    progress.blurred += counts.blurred;
    progress.failed += counts.failed();
    progress.pending += counts.pending;
    progress.workers_alive = std::max(progress.workers_alive, static_cast<int>(at.workers_living));
    all += recorded(*run->scheduler);
    redis_answered_ = redis_answered_ || at.connected;
  }
  rate_.sample(now, all);
  progress.photos_per_s = rate_.per_second();
  progress.left = rate_.left(progress.pending);
  progress.phase = draining_             ? "stopping"
                   : served_.empty()     ? "waiting for runs"
                   : served_.size() == 1 ? "serving 1 run"
                                         : "serving " + std::to_string(served_.size()) + " runs";
  if (unserved > 0) {
    progress.phase += " (" + std::to_string(unserved) + " that no worker can serve)";
  }
  progress.seconds = std::chrono::duration<double>(now - started_).count();
  observer_.progress(progress);
}

void RunServer::tell_monitor(Clock::time_point now) {
  if (!request_.monitor || now < next_tell_) return;
  next_tell_ = now + kShowRunsEvery;
  bool connected = true;
  for (const auto& [id, run] : served_) {
    QueueNow queue = run->scheduler->queue_now();
    connected = connected && queue.connected;
    request_.monitor->show(run->row.name, std::move(queue));
  }
  request_.monitor->health.tick(now, draining_   ? "stopping"
                                     : connected ? ""
                                                 : "Redis does not answer");
}

void RunServer::say(EventLevel level, std::string text) {
  Event event;
  event.level = level;
  event.text = std::move(text);
  observer_.event(event);
}

Expected<ServeSummary> serve_runs(const ServeRequest& asked, RunObserver& observer,
                                  const StopHandle& stop) {
  ServeRequest request = asked;
  if (request.state_folder.empty()) request.state_folder = request.database + ".state";
  Expected<redis::Endpoint> endpoint = redis::parse_endpoint(request.redis_url);
  if (!endpoint) return fail(endpoint.error());
  if (Status taken = redis::take_password_from_environment(*endpoint); !taken) {
    return fail(taken.error());
  }
  Expected<Store> store =
      Store::open_writer(request.database, say_migration(request.database, observer));
  if (!store) return fail(store.error());
  if (Status made = make_private_folder(request.state_folder); !made) return fail(made.error());
  const Expected<sqlite::LockFile> lock = sqlite::LockFile::take(request.state_folder + "/run");
  if (!lock) return fail(lock.error());
  RunServer server(request, std::move(*endpoint), *store, observer, stop);
  return server.run();
}

}  // namespace photoscribe
