// The events of a BatchJob, and the requests to it (pause, resume, cancel, drain, retry).
#include <utility>

#include "scheduler/control/ask_fleet.h"
#include "scheduler/run/batch_job.h"

namespace photoscribe {
namespace {

constexpr std::chrono::milliseconds kHoursEvery{500};
constexpr std::chrono::seconds kForecastEvery{5};  // hundreds of looks at the calendar

}  // namespace

void BatchJob::open_control() {
  control_.emplace(io_,
                   [this](ControlRequest request) { return handle_request(std::move(request)); });
  const Status open = control_->open(request_.state_folder);
  if (!open) {
    warn(EventLevel::warning,
         open.error().message + ": pause, cancel and other verbs cannot reach this run");
  }
}

asio::awaitable<Expected<ControlReply>> BatchJob::handle_request(ControlRequest request) {
  const RunId mine = prepared_.run.id;
  if (request.verb == ControlVerb::workers) co_return co_await answer_workers(io_, *endpoint_);
  if (scheduler_end_ || draining_ || killed_) {
    co_return fail(Errc::cancelled, "the scheduler of this database is stopping");
  }
  if (request.verb == ControlVerb::drain) {
    begin_drain("stopping: handing work back");
    ControlReply reply;
    reply.served = reply.changed = true;
    reply.pending = scheduler_->now().counts.asked.pending;
    co_return reply;
  }
  if (request.verb == ControlVerb::submit) {
    co_return fail(Errc::environment,
                   "`photoscribe run` is using this database: submit when it has ended, or use "
                   "`photoscribe scheduler`, which takes submissions while it runs");
  }
  const auto change = [mine, &request](Store& store) {
    const std::vector<RunId> served(1, mine);
    return apply_request(store, request, served);
  };
  Expected<AppliedRequest> applied = co_await store_.call(change);
  if (!applied) co_return fail(applied.error());
  ControlReply reply = std::move(applied->reply);
  // For another run of this database, or too late for this call: stored for the next one.
  if (applied->run.id != mine || scheduler_end_) co_return reply;
  reply.served = true;
  if (request.verb == ControlVerb::retry) scheduler_->expect_more(applied->counts);
  apply_control(reply.control);
  co_return reply;
}

void BatchJob::apply_control(RunControl control) {
  if (control == RunControl::cancelled) {
    scheduler_->cancel();
    phase_ = "cancelling";
    warn(EventLevel::info, "cancelled: photos in hand are finished, no others are started");
    return;
  }
  const bool pause = control == RunControl::paused;
  if (pause == asked_to_pause_) return;
  asked_to_pause_ = pause;
  warn(EventLevel::info,
       pause ? "paused: photos in hand are finished, `photoscribe resume` continues" : "resumed");
  apply_pause();
}

void BatchJob::keep_hours(Clock::time_point now) {
  if (!hours_ || now < next_hours_ || draining_ || killed_ || scheduler_end_) return;
  next_hours_ = now + kHoursEvery;
  const std::int64_t time = request_.unix_clock();
  const bool closed = !is_open(*hours_, local_minute(time));
  if (closed == out_of_hours_) return;
  out_of_hours_ = closed;
  warn(EventLevel::info, closed
                             ? "out of hours (" + request_.schedule.between +
                                   "): photos in hand are finished, workers are stopped until then"
                             : "within hours (" + request_.schedule.between + "): continuing");
  apply_pause();
}

void BatchJob::apply_pause() {
  const bool paused = asked_to_pause_ || out_of_hours_;
  if (paused) {
    scheduler_->pause();
  } else {
    scheduler_->resume();
    rate_ = RateMeter();  // the pause does not count
  }
  if (pool_ && out_of_hours_) pool_->rest();
  if (pool_ && !out_of_hours_) pool_->wake();
  const std::string from = request_.schedule.between.substr(0, request_.schedule.between.find('-'));
  phase_ = asked_to_pause_ ? "paused" : out_of_hours_ ? "waiting until " + from : "captioning";
}

// While nothing is started, the last rate is the best estimate of the time left.
void BatchJob::forecast(RunProgress& progress) {
  if (progress.left) left_ = progress.left;
  if (!hours_) return;
  const Clock::time_point now = Clock::now();
  if (left_ && now >= next_forecast_) {
    next_forecast_ = now + kForecastEvery;
    const auto work_s = static_cast<double>(left_->count());
    finish_unix_s_ = finish_time(hours_, request_.unix_clock(), work_s, local_minute);
  }
  progress.finish_unix_s = finish_unix_s_;
}

void BatchJob::warn(EventLevel level, std::string text) {
  Event event;
  event.level = level;
  event.text = std::move(text);
  emit(event);
}

void BatchJob::emit(const Event& event) {
  observer_.event(event);
  StoreEvent kept;
  kept.level = event.level == EventLevel::error     ? "error"
               : event.level == EventLevel::warning ? "warning"
                                                    : "info";
  kept.kind = "run";
  kept.text = event.text;
  if (events_.size() < 1'000) events_.push_back(std::move(kept));
}

asio::awaitable<void> BatchJob::keep_events() {
  if (events_.empty()) co_return;
  std::vector<StoreEvent> events = std::exchange(events_, {});
  const RunId run = prepared_.run.id;
  const auto keep = [run, &events](Recording& store) -> Status {
    for (const StoreEvent& event : events) {
      const Status added = store.add_event(run, event.level, event.kind, event.text);
      if (!added) return added;
    }
    return {};
  };
  // A full disk, and these events, were reported already.
  (void)co_await store_.call(keep);
}

}  // namespace photoscribe
