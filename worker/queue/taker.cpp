#include "worker/queue/taker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/async/backoff.h"
#include "common/core/join.h"
#include "common/text/escape.h"

namespace photoscribe {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
template <class T>
using Awaitable = boost::asio::awaitable<T>;

namespace {

constexpr auto kListEvery = 1'000ms;
constexpr int kOrphansLookedAt = 1'000;
constexpr std::size_t kReadMax = 1'000;
constexpr BackoffSettings kNothingUsable{250ms, 1'000ms};

/// After `read` tasks of which `given_back` were of roots that are not ready.
void rest_from_reading(JoinedRun& run, std::size_t read, std::size_t given_back) {
  if (read == 0) return;
  if (given_back < read) {
    run.fruitless_reads = 0;
    return;
  }
  const auto wait = jittered_backoff(++run.fruitless_reads, kNothingUsable);
  run.rest_until = JoinedRun::Clock::now() + wait;
}

}  // namespace

Taker::Taker(QueueParts parts, const Heartbeat& heart, WorkerReport self)
    : parts_(parts), heart_(heart), self_(std::move(self)) {}

Awaitable<void> Taker::loop() {
  while (!parts_.stop.begun()) {
    if (!co_await parts_.link.reach(/*checks_server=*/true)) continue;
    if (parts_.link.connection.generation() != generation_) {
      // While we were disconnected nobody looked alive (H12).
      generation_ = parts_.link.connection.generation();
      for (auto& [incarnation, run] : parts_.runs) run.liveness.forget();
      parts_.runs.list_at = Clock::time_point();
    }
    Status turned = co_await turn();
    co_await parts_.link.settle(std::move(turned));
  }
  ended_ = true;
  parts_.wakes.feed.wake();
}

Awaitable<Status> Taker::turn() {
  JoinedRuns& runs = parts_.runs;
  if (Clock::now() >= runs.list_at) {
    runs.list_at = Clock::now() + kListEvery;  // before: a run that is left sets it back
    const Status listed = co_await refresh_runs();
    if (!listed) {
      runs.list_at = Clock::time_point();
      co_return listed;
    }
  }
  const std::vector<std::string> names = runs.incarnations();
  for (const auto& incarnation : names) {
    const Status looked = co_await look_after(incarnation);
    if (!looked) co_return looked;
  }
  if (parts_.machine.is_over()) parts_.wakes.feed.wake();
  const std::size_t target = std::min(parts_.jobs.jobs_max(), kReadMax);
  const std::size_t have = runs.waiting();
  if (parts_.stop.begun() || readable().empty() || parts_.machine.resting() || have > target / 2) {
    co_await parts_.wakes.take.rest(std::min<milliseconds>(kSleepMax, runs.lease() / 8));
    co_return Status();
  }
  const Status read = co_await read_some(target - have);
  co_return read;
}

// ---- which runs there are

Awaitable<Status> Taker::refresh_runs() {
  auto listed = co_await parts_.link.queue.list_runs();
  if (!listed) co_return fail(listed.error());
  std::set<std::string> there;
  for (auto& listing : *listed) {
    there.insert(listing.incarnation);
    if (JoinedRun* run = parts_.runs.find(listing.incarnation)) {
      run->weight = listing.weight;
      run->priority = listing.priority;
    }
    if (!parts_.runs.may_join(listing.incarnation, Clock::now())) continue;
    const Status considered = co_await consider(std::move(listing));
    if (!considered) co_return considered;
  }
  // A registration alone may be lost, and the scheduler writes it again: the spec decides (Q7).
  const std::vector<std::string> ours = parts_.runs.incarnations();
  for (const auto& incarnation : ours) {
    if (there.contains(incarnation)) continue;
    const auto spec = co_await parts_.link.queue.read_spec(incarnation);
    if (spec) continue;
    if (spec.error().code != Errc::run_gone) co_return fail(spec.error());
    parts_.held.drop_run(incarnation, "it is no longer in Redis");
  }
  co_return Status();
}

Awaitable<Status> Taker::consider(redis::RunListing listing) {
  auto spec = co_await parts_.link.queue.read_spec(listing.incarnation);
  std::optional<std::string> why_not;
  if (spec) {
    why_not = why_not_join(*spec, self_);
  } else if (spec.error().code == Errc::run_gone) {
    const Status forgotten = co_await parts_.link.queue.forget_run(listing.incarnation);
    co_return forgotten;
  } else if (spec.error().code == Errc::bad_payload) {
    why_not = "its spec cannot be read: " + spec.error().message;
  } else {
    co_return fail(spec.error());
  }
  if (!why_not) {
    join(listing, std::move(*spec));
  } else if (refused_.insert(listing.incarnation).second) {
    spdlog::warn("msg=\"not joining run\" run={} incarnation={} why={}", log_value(listing.name),
                 listing.incarnation, log_value(*why_not));
  }
  co_return Status();
}

void Taker::join(const redis::RunListing& listing, RunSpec spec) {
  auto context = std::make_shared<RunContext>();
  context->incarnation = listing.incarnation;
  context->spec = std::move(spec);
  if (welcomed_.insert(listing.incarnation).second) {
    spdlog::info("msg=\"joined run\" run={} incarnation={} consumer={}", log_value(listing.name),
                 listing.incarnation, self_.name);
  }
  JoinedRun& joined = parts_.runs.join(std::move(context));
  joined.weight = listing.weight;
  joined.priority = listing.priority;
}

// ---- leases, ours and others'

Awaitable<Status> Taker::look_after(std::string incarnation) {
  JoinedRun* run = parts_.runs.find(incarnation);
  if (run == nullptr) co_return Status();
  Status status;
  if (Clock::now() >= run->renew_at) status = co_await renew(incarnation);
  run = parts_.runs.find(incarnation);
  if (status && run != nullptr && Clock::now() >= run->look_at) {
    status = co_await judge_others(incarnation);
  }
  if (!status && status.error().code == Errc::run_gone) {
    parts_.held.drop_run(incarnation, status.error().message);
    co_return Status();
  }
  co_return status;
}

Awaitable<Status> Taker::renew(std::string incarnation) {
  JoinedRun* run = parts_.runs.find(incarnation);
  auto renewal = co_await parts_.link.queue.renew(incarnation, self_.name, run->held.ids());
  if (!renewal) co_return fail(renewal.error());
  run = parts_.runs.find(incarnation);
  if (run == nullptr) co_return Status();
  run->renew_at = Clock::now() + run->lease() / 3;
  parts_.held.drop(*run, renewal->lost);
  if (!renewal->strays.empty()) {
    spdlog::info("msg=\"adopting our own tasks that we did not know of\" run={} tasks={}",
                 log_value(run->context->spec.run), renewal->strays.size());
    take_in(incarnation, std::move(renewal->strays));
  }
  co_return Status();
}

Awaitable<Status> Taker::judge_others(std::string incarnation) {
  const auto holders = co_await parts_.link.queue.holders(incarnation);
  if (!holders) co_return fail(holders.error());
  JoinedRun* run = parts_.runs.find(incarnation);
  if (run == nullptr) co_return Status();
  if (!heart_.beats()) run->liveness.forget();  // nobody can beat (H12)
  run->liveness.observe(*holders, Clock::now());
  run->look_at = Clock::now() + run->lease() / 4;
  run->orphans.clear();
  const std::vector<redis::Holder> dead = run->liveness.dead();
  for (const auto& holder : dead) {
    if (holder.name == self_.name || holder.pending == 0) continue;
    redis::Judged judged;
    judged.name = holder.name;
    judged.counter = holder.counter;
    const Status found = co_await find_orphans(incarnation, judged);
    if (!found) co_return found;
  }
  co_return Status();
}

// What the dead had only prefetched goes back as new, at once and in bulk; what they had in hand is
// suspect and is claimed one by one (H10).
Awaitable<Status> Taker::find_orphans(std::string incarnation, redis::Judged holder) {
  for (int released = kOrphansLookedAt; released == kOrphansLookedAt;) {
    const auto count =
        co_await parts_.link.queue.release_unmarked(incarnation, holder, kOrphansLookedAt);
    if (!count) co_return fail(count.error());
    released = *count;
    parts_.metrics.released.add(static_cast<std::uint64_t>(released));
    if (released > 0) {
      spdlog::info("msg=\"released what a dead worker had not begun\" worker={} tasks={}",
                   log_value(holder.name), released);
    }
  }
  const auto pending =
      co_await parts_.link.queue.pending_of(incarnation, holder.name, kOrphansLookedAt);
  if (!pending) co_return fail(pending.error());
  JoinedRun* run = parts_.runs.find(incarnation);
  if (run == nullptr) co_return Status();
  for (const auto& entry : *pending) {
    Orphan orphan;
    orphan.id = entry.id;
    orphan.deliveries = entry.deliveries;
    orphan.holder = holder;
    run->orphans.push_back(std::move(orphan));
  }
  if (!run->orphans.empty()) parts_.wakes.feed.wake();
  co_return Status();
}

// ---- new tasks

bool Taker::may_read(const JoinedRun& run) const {
  return parts_.roots.some_ready(run.context->spec.roots) && Clock::now() >= run.rest_until;
}

std::vector<RunShare> Taker::readable() const {
  std::vector<RunShare> runs;
  for (const auto& [incarnation, run] : parts_.runs) {
    if (may_read(run)) runs.push_back(run.share());
  }
  return runs;
}

// One run per read; only when all are empty is there a blocking read of all of them.
Awaitable<Status> Taker::read_some(std::size_t wanted) {
  std::vector<std::string> names = parts_.runs.reading.order(readable());
  if (names.size() > 1) {
    const Expected<bool> some = co_await read_in_turn(wanted);
    if (!some) co_return fail(some.error());
    if (*some) co_return Status();
    names = parts_.runs.reading.order(readable());
  }
  if (names.empty()) co_return Status();
  const int each = static_cast<int>(std::max<std::size_t>(1, wanted / names.size()));
  const auto block = std::clamp<milliseconds>(parts_.runs.lease() / 8, 1ms, kSleepMax);
  const Clock::time_point start = Clock::now();
  auto batches = co_await parts_.link.queue.await_tasks(names, self_.name, each, block);
  if (!batches && batches.error().code == Errc::run_gone) {
    // Which one, read_tasks says; with a single run there is no doubt (Q16).
    if (names.size() == 1) parts_.held.drop_run(names.front(), batches.error().message);
    co_return Status();
  }
  if (!batches) co_return fail(batches.error());
  if (!batches->empty()) note_fetched(start);
  for (auto& batch : *batches) take_in(batch.incarnation, std::move(batch.tasks));
  parts_.wakes.feed.wake();
  co_return Status();
}

/// From the first run in turn that has tasks; whether there was one.
Awaitable<Expected<bool>> Taker::read_in_turn(std::size_t wanted) {
  const std::vector<std::string> names = parts_.runs.reading.order(readable());
  for (const auto& incarnation : names) {
    if (parts_.runs.find(incarnation) == nullptr) continue;
    const Clock::time_point start = Clock::now();
    auto tasks =
        co_await parts_.link.queue.read_tasks(incarnation, self_.name, static_cast<int>(wanted));
    if (!tasks && tasks.error().code == Errc::run_gone) {
      parts_.held.drop_run(incarnation, tasks.error().message);
      continue;
    }
    if (!tasks) co_return fail(tasks.error());
    const bool some = !tasks->empty();
    if (some) note_fetched(start);
    take_in(incarnation, std::move(*tasks));
    if (some) co_return true;
  }
  co_return false;
}

void Taker::note_fetched(Clock::time_point start) {
  parts_.metrics.add_time(WorkerMetrics::Stage::fetch, Clock::now() - start);
}

void Taker::take_in(const std::string& incarnation, std::vector<redis::Delivery> deliveries) {
  JoinedRun* run = parts_.runs.find(incarnation);
  if (run == nullptr) return;
  const std::size_t count = deliveries.size();
  parts_.metrics.retried.add(static_cast<std::uint64_t>(
      std::count_if(deliveries.begin(), deliveries.end(),
                    [](const redis::Delivery& one) { return one.deliveries > 1; })));
  parts_.runs.reading.took(run->share(), count);
  run->held.add(std::move(deliveries));
  // A root that is not ready may be another worker's; its tasks come again until it is.
  rest_from_reading(*run, count, give_back_unready(*run));
  parts_.wakes.feed.wake();
}

std::size_t Taker::give_back_unready(JoinedRun& run) {
  std::vector<redis::EntryId> unwanted;
  for (const auto id : run.held.ids(Holdings::State::waiting)) {
    if (!parts_.roots.is_ready(run.held.find(id)->task.root)) unwanted.push_back(id);
  }
  parts_.held.give_back(run, unwanted);
  return unwanted.size();
}

}  // namespace photoscribe
