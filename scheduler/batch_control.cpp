// What BatchJob tells, and what it is told while it runs (pause, resume, cancel, drain, retry).
#include <utility>

#include "scheduler/batch_job.h"

namespace photoscribe {

void BatchJob::open_control() {
  control_.emplace(io_, [this](ControlRequest request) { return obey(std::move(request)); });
  const Status open = control_->open(request_.state_folder);
  if (!open) {
    warn(EventLevel::warning, open.error().message + ": this run cannot be steered while it runs");
  }
}

asio::awaitable<Expected<ControlReply>> BatchJob::obey(ControlRequest request) {
  const RunId mine = prepared_.run.id;
  if (scheduler_end_ || draining_ || killed_) {
    co_return fail(Errc::cancelled, "the scheduler of this database is ending");
  }
  if (request.verb == ControlVerb::drain) {
    begin_drain("stopping: handing work back");
    ControlReply reply;
    reply.served = reply.changed = true;
    reply.pending = scheduler_->now().counts.asked.pending;
    co_return reply;
  }
  const auto change = [mine, &request](Store& store) {
    const std::vector<RunId> served(1, mine);
    return obey_in_store(store, request, served);
  };
  Expected<Obeyed> obeyed = co_await store_.call(change);
  if (!obeyed) co_return fail(obeyed.error());
  ControlReply reply = std::move(obeyed->reply);
  // Of another run of this database, or too late for this call: it is kept for the next one.
  if (obeyed->run.id != mine || scheduler_end_) co_return reply;
  reply.served = true;
  if (request.verb == ControlVerb::retry) scheduler_->expect_more(obeyed->counts);
  follow(reply.control);
  co_return reply;
}

void BatchJob::follow(RunControl control) {
  const bool paused = scheduler_->now().paused;
  if (control == RunControl::paused && !paused) {
    scheduler_->pause();
    phase_ = "paused";
    warn(EventLevel::info, "paused: photos in hand are finished, `photoscribe resume` goes on");
  } else if (control == RunControl::running && paused) {
    scheduler_->resume();
    phase_ = "captioning";
    warn(EventLevel::info, "resumed");
  } else if (control == RunControl::cancelled) {
    scheduler_->cancel();
    phase_ = "cancelling";
    warn(EventLevel::info, "cancelled: photos in hand are finished, no other is begun");
  }
}

void BatchJob::warn(EventLevel level, std::string text) {
  Event event;
  event.level = level;
  event.text = std::move(text);
  tell(event);
}

void BatchJob::tell(const Event& event) {
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
  const auto keep = [run, &events](Store& store) -> Status {
    for (const StoreEvent& event : events) {
      const Status added = store.add_event(run, event.level, event.kind, event.text);
      if (!added) return added;
    }
    return {};
  };
  // A full disk has been told about already, and the events with it.
  (void)co_await store_.call(keep);
}

}  // namespace photoscribe
