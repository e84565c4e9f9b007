// Pause, resume and cancel: taking back out of Redis what no worker has begun.
//
// The images stay enqueued in SQLite (the cursor does not move back), so a resume is a reconcile:
// it finds them missing in Redis and puts them in again.
#include <utility>

#include "scheduler/scheduler.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kWithdrawAtOnce = 1'000;
constexpr std::chrono::seconds kCancelPatience{30};  // without a result of what is in hand

}  // namespace

void Scheduler::pause() {
  if (now_.paused) return;
  now_.paused = true;
  now_.in_hand = now_.enqueued;  // at most, until Redis has been looked at
  withdrawn_ = false;
  timer_.cancel();
}

void Scheduler::resume() {
  if (!now_.paused || cancelled_) return;
  now_.paused = false;
  hold_feeder_ = true;
  need_reconcile_ = true;
  timer_.cancel();
}

void Scheduler::cancel() {
  pause();
  cancelled_ = true;
  cancel_moved_ = steady_clock::now();
}

void Scheduler::expect_more(const RunCounts& counts) {
  now_.counts = counts;
  all_enqueued_ = false;
  feeder_timer_.cancel();
}

asio::awaitable<Expected<Scheduler::MaybeEnd>> Scheduler::stay_paused() {
  if (!withdrawn_) {
    Status taken = co_await withdraw();
    if (!taken) co_return fail(taken.error());
    Status looked = co_await look();
    if (!looked) co_return fail(looked.error());
  }
  if (!cancelled_) co_return std::nullopt;
  if (now_.last_result && *now_.last_result > cancel_moved_) cancel_moved_ = *now_.last_result;
  const auto patience = kCancelPatience + milliseconds(settings_.spec.lease.lease_ms);
  const bool given_up = steady_clock::now() - cancel_moved_ > patience;
  if (now_.in_hand > 0 && !given_up) co_return std::nullopt;
  Status done = co_await record_what_was_there();
  if (done) done = co_await finalize();
  if (!done) co_return fail(done.error());
  co_return SchedulerEnd::cancelled;
}

asio::awaitable<Status> Scheduler::withdraw() {
  while (!feeder_at_rest_ && !aborted_) co_await rest(milliseconds(2));
  for (int taken = kWithdrawAtOnce; taken == kWithdrawAtOnce;) {
    const Expected<redis::Withdrawn> out =
        co_await queue_.withdraw(incarnation_, fence_, kWithdrawAtOnce);
    if (!out) co_return fail(out.error());
    if (out->fenced_off) {
      co_return fail(Errc::run_gone, "withdraw: the fence in Redis is not ours");
    }
    for (const redis::Withdrawn::Charged& one : out->charged) {
      charged_[ImageAttempt{one.image_id, one.attempt}] = one.deliveries;
    }
    taken = out->tasks;
  }
  withdrawn_ = true;
  co_return Status();
}

void Scheduler::note_paused(const redis::Look& seen) {
  now_.in_hand = seen.pending + seen.results_length;
  if (seen.undelivered) withdrawn_ = false;  // handed back, or of a worker that died
}

void Scheduler::restore_charges(std::vector<Task>& tasks) {
  for (Task& task : tasks) {
    const auto known = charged_.find(ImageAttempt{task.image_id, task.attempt});
    if (known == charged_.end()) continue;
    task.deliveries = known->second;
    charged_.erase(known);
  }
}

}  // namespace photoscribe
