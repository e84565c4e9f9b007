// The coroutine that takes: the list of runs, leases, other workers' liveness, new tasks. All reads
// of this consumer name are here, so none is in flight when renew() compares (protocol.md H1).
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/core/join.h"
#include "common/redis/errors.h"
#include "common/redis/identity.h"
#include "worker/consumer.h"
#include "worker/log.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto kListEvery = 1'000ms;
constexpr auto kSleepMax = 250ms;  // also of a blocking read: a stop waits for it
constexpr int kOrphansLookedAt = 1'000;
constexpr std::size_t kReadMax = 1'000;

}  // namespace

asio::awaitable<void> Consumer::take_loop() {
  while (!drain_) {
    if (!co_await reach(take_)) continue;
    if (take_.connection.generation() != take_generation_) {
      // While we were away nobody looked alive (H12).
      take_generation_ = take_.connection.generation();
      for (auto& [incarnation, run] : runs_) run.liveness.forget();
      list_at_ = Clock::time_point();
    }
    const Status turn = co_await take_turn();
    if (turn) {
      works(take_);
    } else {
      co_await trouble(take_, turn.error());
    }
  }
  take_ended_ = true;
  wake_feed_.notify();
}

asio::awaitable<Status> Consumer::take_turn() {
  if (Clock::now() >= list_at_) {
    list_at_ = Clock::now() + kListEvery;  // before: a run that is dropped meanwhile sets it back
    const Status listed = co_await refresh_runs();
    if (!listed) {
      list_at_ = Clock::time_point();
      co_return listed;
    }
  }
  const std::vector<std::string> names = joined();
  for (const auto& incarnation : names) {
    const Status looked = co_await look_after(incarnation);
    if (!looked) co_return looked;
  }
  note_ready();
  const std::size_t target = std::min(pipeline_->jobs_max(), kReadMax);
  const std::size_t have = waiting();
  const bool some_run = std::any_of(runs_.begin(), runs_.end(),
                                    [&](const auto& each) { return may_read(each.second); });
  if (drain_ || !some_run || unready() || have > target / 2) {
    co_await wake_take_.sleep(std::min<milliseconds>(kSleepMax, lease() / 8));
    co_return Status();
  }
  const Status read = co_await read_some(target - have);
  co_return read;
}

asio::awaitable<Status> Consumer::refresh_runs() {
  auto listed = co_await take_.queue.list_runs();
  if (!listed) co_return fail(listed.error());
  std::erase_if(not_before_, [](const auto& each) { return each.second <= Clock::now(); });
  std::set<std::string> there;
  for (auto& listing : *listed) {
    there.insert(listing.incarnation);
    if (JoinedRun* run = find(listing.incarnation)) {
      run->weight = listing.weight;
      run->priority = listing.priority;
    }
    if (runs_.contains(listing.incarnation) || not_before_.contains(listing.incarnation)) continue;
    const Status considered = co_await consider(std::move(listing));
    if (!considered) co_return considered;
  }
  // A registration alone may be lost, and the scheduler writes it again: the spec decides (7).
  const std::vector<std::string> ours = joined();
  for (const auto& incarnation : ours) {
    if (there.contains(incarnation)) continue;
    const auto spec = co_await take_.queue.read_spec(incarnation);
    if (spec) continue;
    if (spec.error().code != Errc::run_gone) co_return fail(spec.error());
    drop_run(incarnation, "it is no longer in Redis");
  }
  co_return Status();
}

asio::awaitable<Status> Consumer::consider(redis::RunListing listing) {
  auto spec = co_await take_.queue.read_spec(listing.incarnation);
  std::optional<std::string> why_not;
  if (spec) {
    why_not = why_not_join(*spec, self());
  } else if (spec.error().code == Errc::run_gone) {
    const Status forgotten = co_await take_.queue.forget_run(listing.incarnation);
    co_return forgotten;
  } else if (spec.error().code == Errc::bad_payload) {
    why_not = "its spec cannot be read: " + spec.error().message;
  } else {
    co_return fail(spec.error());
  }
  if (why_not) {
    if (refused_.insert(listing.incarnation).second) {
      spdlog::warn("msg=\"not joining run\" run={} incarnation={} why={}", log_value(listing.name),
                   listing.incarnation, log_value(*why_not));
    }
    co_return Status();
  }
  auto context = std::make_shared<RunContext>();
  context->incarnation = listing.incarnation;
  context->spec = std::move(*spec);
  if (welcomed_.insert(listing.incarnation).second) {
    spdlog::info("msg=\"joined run\" run={} incarnation={} consumer={}", log_value(listing.name),
                 listing.incarnation, config_.name);
  }
  JoinedRun& joined = runs_.try_emplace(listing.incarnation, std::move(context)).first->second;
  joined.weight = listing.weight;
  joined.priority = listing.priority;
  tell_heart();
  co_return Status();
}

asio::awaitable<Status> Consumer::look_after(std::string incarnation) {
  JoinedRun* run = find(incarnation);
  if (run == nullptr) co_return Status();
  Status status;
  if (Clock::now() >= run->renew_at) status = co_await renew(incarnation);
  run = find(incarnation);
  if (status && run != nullptr && Clock::now() >= run->look_at) {
    status = co_await judge_others(incarnation);
  }
  if (!status && status.error().code == Errc::run_gone) {
    drop_run(incarnation, status.error().message);
    co_return Status();
  }
  co_return status;
}

asio::awaitable<Status> Consumer::renew(std::string incarnation) {
  JoinedRun* run = find(incarnation);
  const milliseconds lease(run->context->spec.lease.lease_ms);
  auto renewal = co_await take_.queue.renew(incarnation, config_.name, run->held.ids());
  if (!renewal) co_return fail(renewal.error());
  run = find(incarnation);
  if (run == nullptr) co_return Status();
  run->renew_at = Clock::now() + lease / 3;
  forget_entries(*run, renewal->lost);
  if (!renewal->strays.empty()) {
    spdlog::info("msg=\"taking up our own tasks that we did not know of\" run={} tasks={}",
                 log_value(run->context->spec.run), renewal->strays.size());
    take_in(incarnation, std::move(renewal->strays));
  }
  co_return Status();
}

asio::awaitable<Status> Consumer::judge_others(std::string incarnation) {
  const auto holders = co_await take_.queue.holders(incarnation);
  if (!holders) co_return fail(holders.error());
  JoinedRun* run = find(incarnation);
  if (run == nullptr) co_return Status();
  run->liveness.observe(*holders, Clock::now());
  run->look_at = Clock::now() + milliseconds(run->context->spec.lease.lease_ms) / 4;
  run->orphans.clear();
  const std::vector<redis::Holder> dead = run->liveness.dead();
  for (const auto& holder : dead) {
    if (holder.name == config_.name || holder.pending == 0) continue;
    redis::Judged judged;
    judged.name = holder.name;
    judged.counter = holder.counter;
    const Status found = co_await find_orphans(incarnation, judged);
    if (!found) co_return found;
  }
  co_return Status();
}

// What the dead had only prefetched goes back as new, at once and in bulk; what they had in hand is
// suspect and is taken up one by one (H10).
asio::awaitable<Status> Consumer::find_orphans(std::string incarnation, redis::Judged holder) {
  for (int released = kOrphansLookedAt; released == kOrphansLookedAt;) {
    const auto count = co_await take_.queue.release_unmarked(incarnation, holder, kOrphansLookedAt);
    if (!count) co_return fail(count.error());
    released = *count;
    if (released > 0) {
      spdlog::info("msg=\"released what a dead worker had not begun\" worker={} tasks={}",
                   log_value(holder.name), released);
    }
  }
  const auto pending = co_await take_.queue.pending_of(incarnation, holder.name, kOrphansLookedAt);
  if (!pending) co_return fail(pending.error());
  JoinedRun* run = find(incarnation);
  if (run == nullptr) co_return Status();
  for (const auto& entry : *pending) {
    Orphan orphan;
    orphan.id = entry.id;
    orphan.deliveries = entry.deliveries;
    orphan.holder = holder;
    run->orphans.push_back(std::move(orphan));
  }
  if (!run->orphans.empty()) wake_feed_.notify();
  co_return Status();
}

std::vector<RunShare> Consumer::readable() const {
  std::vector<RunShare> runs;
  for (const auto& [incarnation, run] : runs_) {
    if (may_read(run)) runs.push_back(share_of(run));
  }
  return runs;
}

// One run per read; only when all are empty is there a blocking read of all of them.
asio::awaitable<Status> Consumer::read_some(std::size_t wanted) {
  std::vector<std::string> names = take_turns_.order(readable());
  if (names.size() > 1) {
    for (const auto& incarnation : names) {
      if (find(incarnation) == nullptr) continue;
      auto tasks =
          co_await take_.queue.read_tasks(incarnation, config_.name, static_cast<int>(wanted));
      if (!tasks && tasks.error().code == Errc::run_gone) {
        drop_run(incarnation, tasks.error().message);
        continue;
      }
      if (!tasks) co_return fail(tasks.error());
      const bool some = !tasks->empty();
      take_in(incarnation, std::move(*tasks));
      if (some) co_return Status();
    }
    names = take_turns_.order(readable());
    if (names.empty()) co_return Status();
  }
  const int each = static_cast<int>(std::max<std::size_t>(1, wanted / names.size()));
  const auto block = std::clamp<milliseconds>(lease() / 8, 1ms, kSleepMax);
  auto batches = co_await take_.queue.await_tasks(names, config_.name, each, block);
  if (!batches && batches.error().code == Errc::run_gone) {
    // Which one, read_tasks says; with a single run there is no doubt (16).
    if (names.size() == 1) drop_run(names.front(), batches.error().message);
    co_return Status();
  }
  if (!batches) co_return fail(batches.error());
  for (const auto& name : names) {
    if (JoinedRun* run = find(name)) run->dry = true;
  }
  for (auto& batch : *batches) take_in(batch.incarnation, std::move(batch.tasks));
  wake_feed_.notify();
  co_return Status();
}

void Consumer::take_in(const std::string& incarnation, std::vector<redis::Delivery> deliveries) {
  JoinedRun* run = find(incarnation);
  if (run == nullptr) return;
  run->dry = deliveries.empty();
  const std::size_t count = deliveries.size();
  take_turns_.took(share_of(*run), count);
  run->held.add(std::move(deliveries));
  // A root that is not ready may be another worker's; its tasks come again until it is.
  rest_from_reading(*run, count, give_back_unready(*run));
  wake_feed_.notify();
}

}  // namespace photoscribe
