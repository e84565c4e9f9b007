#include "scheduler/queue/reconciler.h"

#include <algorithm>
#include <span>
#include <utility>

#include "scheduler/queue/reconcile.h"

namespace photoscribe {

asio::awaitable<Status> Reconciler::reconcile() {
  co_await part_.feeder.come_to_rest();  // (1): the gate holds it
  part_.gate.begin();
  ++count_;
  part_.meters.reconciles.add();
  const Expected<bool> agreed = co_await agree();
  part_.gate.end(agreed && *agreed);
  if (!agreed) co_return fail(agreed.error());
  part_.feeder.wake();
  co_return Status();
}

/// False: the keys are new, and must be reconciled in turn.
asio::awaitable<Expected<bool>> Reconciler::agree() {
  Status done = co_await ensure_keys();
  if (!done) co_return fail(done.error());
  Expected<std::optional<redis::Snapshot>> snapshot = co_await part_.keys.fence_off();  // (2)
  if (!snapshot) co_return fail(snapshot.error());
  if (!snapshot->has_value()) {  // protocol.md Q21: a copy of this database is in use
    done = co_await make_keys(
        "another scheduler uses this run's keys (a copied database?): starting under new ones");
    if (!done) co_return fail(done.error());
    co_return false;
  }
  std::vector<redis::WindowEntry> window = std::move((*snapshot)->window);
  done = co_await remove_stale(std::move(**snapshot));
  if (done) done = co_await part_.recorder.record_available();  // (3)
  if (done) done = co_await apply_plan(std::move(window));      // (4)
  if (!done) co_return fail(done.error());
  co_return true;
}

asio::awaitable<Status> Reconciler::ensure_keys() {
  const Expected<RunKeys::Found> found = co_await part_.keys.find();
  if (!found) co_return fail(found.error());
  if (*found == RunKeys::Found::other_settings) {
    // Workers read the spec once, so other settings need other keys; what is finished is kept.
    const Status kept = co_await part_.recorder.record_available();
    if (!kept) co_return kept;
  }
  if (*found != RunKeys::Found::ours) {
    std::string why;
    if (count_ > 1) {
      why = "Redis lost this run's data: enqueueing everything without a result again";
      why += co_await part_.eviction.cause();
    }
    co_return co_await make_keys(std::move(why));
  }
  co_return co_await part_.keys.delete_past();
}

asio::awaitable<Status> Reconciler::make_keys(std::string why) {
  if (!why.empty()) part_.reporter.report(EventLevel::warning, std::move(why));
  part_.sharer.start_over();
  part_.workers.forget();
  co_return co_await part_.keys.make();
}

asio::awaitable<Status> Reconciler::remove_stale(redis::Snapshot snapshot) {
  std::vector<redis::EntryId> stale = std::move(snapshot.ghosts);
  stale.insert(stale.end(), snapshot.dangling.begin(), snapshot.dangling.end());
  if (stale.empty()) co_return Status();
  co_return co_await part_.queue.remove_tasks(part_.keys.incarnation(), std::move(stale));
}

asio::awaitable<Status> Reconciler::apply_plan(std::vector<redis::WindowEntry> window) {
  const Expected<std::vector<ImageAttempt>> unfinished = co_await part_.store.unfinished_enqueued();
  if (!unfinished) co_return fail(unfinished.error());
  ReconcilePlan plan = plan_reconcile(*unfinished, window);
  part_.tally.set_enqueued(static_cast<std::int64_t>(unfinished->size()));
  part_.feeder.look_again();
  if (!plan.remove.empty()) {
    const Status removed =
        co_await part_.queue.remove_tasks(part_.keys.incarnation(), std::move(plan.remove));
    if (!removed) co_return removed;
  }
  part_.withdrawal.look_again();
  if (may_begin_photos(part_.mode) && !plan.enqueue.empty()) {  // else resume() reconciles
    const Status added = co_await enqueue(std::move(plan.enqueue));
    if (!added) co_return added;
  }
  const Expected<RunCounts> counts = co_await part_.store.counts();
  if (!counts) co_return fail(counts.error());
  part_.tally.set_counts(*counts);
  co_return Status();
}

asio::awaitable<Status> Reconciler::enqueue(std::vector<ImageAttempt> missing) {
  const Status worth_it = part_.recorder.begin_round();
  if (!worth_it) co_return worth_it;
  const std::span<const ImageAttempt> all(missing);
  for (std::size_t at = 0; at < all.size(); at += redis::kEnqueueMax) {
    const auto piece = all.subspan(at, std::min(redis::kEnqueueMax, all.size() - at));
    Expected<std::vector<Task>> tasks = co_await part_.store.tasks_of(piece);
    if (!tasks) co_return fail(tasks.error());
    part_.withdrawal.restore_charges(*tasks);
    if (count_ > 1) part_.meters.lost.add(tasks->size());  // the first one begins or resumes
    const Expected<redis::EnqueueOutcome> added = co_await part_.queue.enqueue(
        part_.keys.incarnation(), part_.keys.fence(), std::move(*tasks));
    if (!added) co_return fail(added.error());
    if (*added == redis::EnqueueOutcome::fenced_off) {
      co_return fail(Errc::run_gone, "reconcile: the fence in Redis is another scheduler's");
    }
  }
  part_.tally.note_task(RunTally::Clock::now());
  co_return Status();
}

}  // namespace photoscribe
