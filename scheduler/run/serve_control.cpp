// Requests to a RunServer.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "common/async/wakeable_timer.h"
#include "scheduler/control/ask_fleet.h"
#include "scheduler/run/serve.h"
#include "scheduler/run/silent_observer.h"
#include "scheduler/run/submit.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

asio::awaitable<Expected<PreparedRun>> fill_manifest(StoreThread* store, RunRequest request,
                                                     const StopHandle* stop) {
  SilentObserver silent;
  std::unique_lock held(store->mutex());
  co_return take_submission(store->store(), request, silent, *stop, &held);
}

}  // namespace

asio::awaitable<Expected<ControlReply>> RunServer::handle_request(ControlRequest request) {
  if (request.verb == ControlVerb::workers) co_return co_await answer_workers(io_, endpoint_);
  if (draining_) co_return fail(Errc::cancelled, "the scheduler of this database is stopping");
  if (request.verb == ControlVerb::drain) {
    drain_asked_ = true;
    ControlReply reply;
    reply.served = reply.changed = true;
    reply.pending = pending_;
    co_return reply;
  }
  if (request.verb == ControlVerb::submit) {
    Expected<ControlReply> reply = co_await submit(std::move(request.submission));
    co_return reply;
  }
  std::vector<RunId> ids;
  for (const auto& [id, run] : served_) ids.push_back(id);
  const auto change = [&ids, &request](Store& store) { return apply_request(store, request, ids); };
  Expected<AppliedRequest> applied = co_await store_.call(change);
  if (!applied) co_return fail(applied.error());
  ControlReply reply = std::move(applied->reply);
  reply.served = true;  // now, or at the next look
  next_look_ = Clock::time_point();
  const auto found = served_.find(applied->run.id);
  if (found == served_.end() || found->second->end) co_return reply;
  Served& run = *found->second;
  if (request.verb == ControlVerb::retry) run.scheduler->expect_more(applied->counts);
  if (reply.control == RunControl::cancelled) {
    run.scheduler->cancel();
  } else {
    run.asked_to_pause = reply.control == RunControl::paused;
    apply_pause(run);
  }
  co_return reply;
}

void RunServer::apply_pause(Served& run) {
  if (run.asked_to_pause || run.out_of_hours) {
    run.scheduler->pause();
  } else {
    run.scheduler->resume();
  }
}

asio::awaitable<Expected<ControlReply>> RunServer::submit(std::string line) {
  Expected<RunRequest> request = parse_submission(line);
  if (!request) co_return fail(Errc::usage, request.error().message);
  if (submitted_.contains(request->run)) {
    co_return fail(Errc::environment,
                   "another submission to this run is in progress: wait for it to end");
  }
  request->remote = request_.remote;
  const std::string name = request->run;
  submitted_.insert(name);
  ++submissions_;
  // Its settings and roots may change, and workers read them once: it is not served meanwhile.
  co_await stop_serving(name);
  Expected<PreparedRun> prepared = co_await asio::co_spawn(
      walkers_, fill_manifest(&store_, std::move(*request), &stop_), asio::use_awaitable);
  submitted_.erase(name);
  --submissions_;
  next_look_ = Clock::time_point();
  if (!prepared) co_return fail(prepared.error());
  const RunId id = prepared->run.id;
  const auto count = [id](Lookup& store) { return store.counts(id); };
  const Expected<RunCounts> counts = co_await store_.call(count);
  if (!counts) co_return fail(counts.error());
  ControlReply reply;
  reply.run = prepared->run.name;
  reply.control = prepared->run.control;
  reply.changed = reply.served = true;
  reply.photos =
      prepared->scan.added + prepared->scan.changed + prepared->scan.redone + prepared->retried;
  reply.pending = counts->asked.pending;
  reply.not_seen = prepared->not_seen_count;
  co_return reply;
}

asio::awaitable<void> RunServer::stop_serving(std::string name) {
  for (;;) {
    bool there = false;
    for (const auto& [id, run] : served_) {
      if (run->row.name != name) continue;
      there = true;
      run->scheduler->finish_up();
    }
    if (!there) co_return;
    co_await sleep_for(milliseconds(20));
  }
}

}  // namespace photoscribe
