// Reconcile, step by step, and the watch over workers: the scheduler's side of H5-H8, H11, H12.
#include <algorithm>
#include <span>
#include <utility>

#include "common/redis/identity.h"
#include "scheduler/reconcile.h"
#include "scheduler/scheduler.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kPendingPage = 1'000;
// Keys that nobody renews have expired by then, also those of a copy of the server that comes back.
constexpr milliseconds kRemembered = redis::kRunExpiry + std::chrono::hours(24);

}  // namespace

asio::awaitable<Status> Scheduler::reconcile() {
  hold_feeder_ = true;  // (1)
  while (!feeder_at_rest_ && !aborted_) co_await rest(milliseconds(2));
  need_reconcile_ = false;
  ++now_.reconciles;
  Status done = co_await ensure_incarnation();
  if (!done) co_return done;

  const std::uint64_t fence = redis::random_u64();
  const bool fence_known = !fences_.empty();
  Expected<redis::Snapshot> snapshot = co_await queue_.snapshot(incarnation_, fence);  // (2)
  if (!snapshot) {
    fences_.insert(fence);  // may have been written all the same
    co_return fail(snapshot.error());
  }
  const bool foreign =
      fence_known && snapshot->previous_fence && !fences_.contains(*snapshot->previous_fence);
  if (foreign) {  // protocol.md Q21: a copy of this database is at work on the same keys
    done = co_await begin_incarnation(
        "another scheduler uses this run's keys (a copied database?): starting under new ones");
    if (!done) co_return done;
    need_reconcile_ = true;
    co_return Status();
  }
  fences_.insert(fence);
  fence_ = fence;
  std::vector<redis::EntryId> stale = std::move(snapshot->ghosts);
  stale.insert(stale.end(), snapshot->dangling.begin(), snapshot->dangling.end());
  if (!stale.empty()) {
    done = co_await queue_.remove_tasks(incarnation_, std::move(stale));
    if (!done) co_return done;
  }
  done = co_await record_what_was_there();  // (3)
  if (!done) co_return done;
  done = co_await apply_plan(std::move(snapshot->window));  // (4)
  if (!done) co_return done;
  hold_feeder_ = false;
  feeder_timer_.cancel();
  co_return Status();
}

asio::awaitable<Status> Scheduler::ensure_incarnation() {
  const RunId run = settings_.run;
  if (incarnation_.empty()) {
    const auto read = [run](Store& store) { return store.run(run); };
    const Expected<RunRow> row = co_await stored(read);
    if (!row) co_return fail(row.error());
    incarnation_ = row->incarnation.value_or("");
  }
  Expected<bool> keep = co_await can_keep_incarnation();
  if (!keep) co_return fail(keep.error());
  if (!*keep) {
    const bool lost = now_.reconciles > 1;
    std::string why;
    if (lost) why = "Redis lost this run's data: enqueueing again what has no result";
    if (lost) why += co_await eviction_text();
    Status begun = co_await begin_incarnation(std::move(why));
    if (!begun) co_return begun;
  }
  const auto list = [run](Store& store) -> Expected<std::vector<std::string>> {
    const auto now = std::chrono::duration_cast<milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const Status forgotten = store.forget_incarnations(run, (now - kRemembered).count());
    if (!forgotten) return fail(forgotten.error());
    return store.past_incarnations(run);
  };
  Expected<std::vector<std::string>> past = co_await stored(list);
  if (!past) co_return fail(past.error());
  if (past->empty()) co_return Status();
  co_return co_await queue_.delete_runs(std::move(*past));
}

asio::awaitable<Expected<bool>> Scheduler::can_keep_incarnation() {
  if (incarnation_.empty()) co_return false;
  const Expected<redis::Presence> there = co_await queue_.presence(incarnation_);
  if (!there) co_return fail(there.error());
  if (!there->complete()) {
    unmade_ = unmade_ && there->nothing();
    co_return false;
  }
  unmade_ = false;
  if (!spec_checked_) {
    const Expected<RunSpec> spec = co_await queue_.read_spec(incarnation_);
    if (!spec && spec.error().code == Errc::run_gone) co_return false;
    if (!spec && spec.error().code != Errc::bad_payload) co_return fail(spec.error());
    if (!spec || *spec != settings_.spec) {
      // Workers read the spec once, so other settings need other keys; what is finished is kept.
      Status kept = co_await record_what_was_there();
      if (!kept) co_return fail(kept.error());
      co_return false;
    }
    spec_checked_ = true;
  }
  if (!there->registered) {
    Status registered = co_await queue_.register_run(listing());
    if (!registered) co_return fail(registered.error());
  }
  co_return true;
}

asio::awaitable<Status> Scheduler::begin_incarnation(std::string why) {
  if (!why.empty()) say(EventLevel::warning, std::move(why));
  const RunId run = settings_.run;
  if (!unmade_) {
    const std::string fresh = redis::new_incarnation();
    const auto begin = [run, fresh](Store& store) { return store.begin_incarnation(run, fresh); };
    Status stored_first = co_await stored(begin);  // before its first use
    if (!stored_first) co_return stored_first;
    incarnation_ = fresh;
    fences_.clear();
  }
  unmade_ = true;
  forget_shared();
  liveness_.forget();
  const std::uint64_t fence = redis::random_u64();
  fences_.insert(fence);
  spec_checked_ = true;
  Status made = co_await queue_.make_run(listing(), settings_.spec, fence);
  if (made) unmade_ = false;
  co_return made;
}

asio::awaitable<Status> Scheduler::record_what_was_there() {
  const Expected<std::optional<redis::EntryId>> last = co_await queue_.last_result(incarnation_);
  if (!last) co_return fail(last.error());
  if (!last->has_value()) co_return Status();
  for (;;) {  // live workers go on adding: the end is where it was when we began
    if (aborted_) co_return fail(Errc::cancelled, "record: asked to stop");
    const Expected<std::int64_t> recorded = co_await record_once(**last);
    if (!recorded) co_return fail(recorded.error());
    if (*recorded == 0) co_return Status();
  }
}

asio::awaitable<Status> Scheduler::apply_plan(std::vector<redis::WindowEntry> window) {
  const RunId run = settings_.run;
  const auto list = [run](Store& store) { return store.unfinished_enqueued(run); };
  const Expected<std::vector<ImageAttempt>> unfinished = co_await stored(list);
  if (!unfinished) co_return fail(unfinished.error());
  ReconcilePlan plan = plan_reconcile(*unfinished, window);
  now_.enqueued = static_cast<std::int64_t>(unfinished->size());
  all_enqueued_ = false;
  if (!plan.remove.empty()) {
    Status removed = co_await queue_.remove_tasks(incarnation_, std::move(plan.remove));
    if (!removed) co_return removed;
  }
  withdrawn_ = false;                     // of a pause: look again
  if (now_.paused) plan.enqueue.clear();  // resume() reconciles
  if (!plan.enqueue.empty()) {
    const Status worth_it = unreadable_.begin_round(now_.finished());
    if (!worth_it) co_return worth_it;
  }
  const std::span<const ImageAttempt> missing(plan.enqueue);
  for (std::size_t at = 0; at < missing.size(); at += redis::kEnqueueMax) {
    const auto piece = missing.subspan(at, std::min(redis::kEnqueueMax, missing.size() - at));
    const auto read = [run, piece](Store& store) { return store.tasks_of(run, piece); };
    Expected<std::vector<Task>> tasks = co_await stored(read);
    if (!tasks) co_return fail(tasks.error());
    restore_charges(*tasks);
    const Expected<redis::EnqueueOutcome> added =
        co_await queue_.enqueue(incarnation_, fence_, std::move(*tasks));
    if (!added) co_return fail(added.error());
    if (*added == redis::EnqueueOutcome::fenced_off) {
      co_return fail(Errc::run_gone, "reconcile: the fence in Redis is not ours");
    }
  }
  if (!plan.enqueue.empty() && !now_.first_task) now_.first_task = steady_clock::now();
  co_return co_await refresh_counts();
}

asio::awaitable<Status> Scheduler::watch_workers() {
  const auto now = steady_clock::now();
  if (now < next_watch_) co_return Status();
  next_watch_ = now + milliseconds(std::max(1, settings_.spec.lease.lease_ms / 4));
  const Expected<std::vector<redis::Holder>> holders = co_await queue_.holders(incarnation_);
  if (!holders) co_return fail(holders.error());
  liveness_.observe(*holders, now);
  now_.workers_living = liveness_.living();
  note_silence(*holders);
  Status watched = co_await watch_fleet();
  if (!watched) co_return watched;
  std::vector<redis::Holder> all = liveness_.dead();
  for (redis::Holder& dead : all) {
    if (dead.pending == 0) {
      redis::Judged judged;
      judged.name = dead.name;
      judged.counter = dead.counter;
      const Expected<bool> removed =
          co_await queue_.remove_dead_consumer(incarnation_, std::move(judged));
      if (!removed) co_return fail(removed.error());
    } else if (liveness_.living() == 0) {  // else the living see to it
      Status condemned = co_await condemn_of(std::move(dead));
      if (!condemned) co_return condemned;
    }
  }
  co_return Status();
}

// A dead holder is gone from the list as soon as others have its tasks, so we remember it: its
// process may be there still, and stand still.
void Scheduler::note_silence(const std::vector<redis::Holder>& seen) {
  const auto now = steady_clock::now();
  for (const redis::Holder& holder : seen) {
    if (liveness_.is_dead(holder.name)) {
      dead_since_.try_emplace(holder.name, now);
    } else {
      dead_since_.erase(holder.name);
    }
  }
  // Those that were replaced, or ended, are never heard of again.
  std::erase_if(dead_since_,
                [&](const auto& dead) { return now - dead.second > 10 * settings_.silent_after; });
  const auto lease = milliseconds(settings_.spec.lease.lease_ms);
  now_.workers_silent.clear();
  for (const auto& [name, since] : dead_since_) {
    if (now - since + lease >= settings_.silent_after) now_.workers_silent.push_back(name);
  }
}

asio::awaitable<Status> Scheduler::condemn_of(redis::Holder holder) {
  redis::Judged judged;
  judged.name = holder.name;
  judged.counter = holder.counter;
  const Expected<int> released = co_await queue_.release_unmarked(incarnation_, judged);
  if (!released) co_return fail(released.error());
  const Expected<std::vector<redis::Pending>> pending =
      co_await queue_.pending_of(incarnation_, holder.name, kPendingPage);
  if (!pending) co_return fail(pending.error());
  for (const redis::Pending& entry : *pending) {
    const Expected<redis::Reclaimed> verdict = co_await queue_.condemn(
        incarnation_, entry.id, judged, settings_.spec.lease.max_deliveries);
    if (!verdict) co_return fail(verdict.error());
  }
  co_return Status();
}

}  // namespace photoscribe
