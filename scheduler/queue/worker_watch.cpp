#include "scheduler/queue/worker_watch.h"

#include <algorithm>
#include <utility>

namespace photoscribe {
namespace {

constexpr int kPendingPage = 1'000;

redis::Judged judged(const redis::Holder& holder) {
  redis::Judged as;
  as.name = holder.name;
  as.counter = holder.counter;
  return as;
}

}  // namespace

WorkerWatch::WorkerWatch(const SchedulerSettings& settings, redis::SchedulerQueue& queue,
                         const RunKeys& keys)
    : settings_(settings), queue_(queue), keys_(keys), liveness_(settings.lease()) {}

bool WorkerWatch::is_due(Clock::time_point now) {
  if (now < next_) return false;
  next_ = now + std::max(std::chrono::milliseconds(1), settings_.lease() / 4);
  return true;
}

void WorkerWatch::excuse(Clock::time_point now) {
  liveness_.forget();
  for (auto& [name, since] : dead_since_) since = now;
}

asio::awaitable<Status> WorkerWatch::observe() {
  const Clock::time_point now = Clock::now();
  const Expected<std::vector<redis::Holder>> holders = co_await queue_.holders(keys_.incarnation());
  if (!holders) co_return fail(holders.error());
  liveness_.observe(*holders, now);
  living_ = liveness_.living();
  note_silence(*holders, Clock::now());
  co_return Status();
}

// A dead holder leaves the list as soon as others have its tasks, so we remember it: its process
// may still exist, and hang.
void WorkerWatch::note_silence(std::span<const redis::Holder> seen, Clock::time_point now) {
  for (const redis::Holder& holder : seen) {
    if (liveness_.is_dead(holder.name)) {
      dead_since_.try_emplace(holder.name, now);
    } else {
      dead_since_.erase(holder.name);
    }
  }
  // Those that were replaced, or ended, never appear again.
  std::erase_if(dead_since_,
                [&](const auto& dead) { return now - dead.second > 10 * settings_.silent_after; });
  silent_.clear();
  for (const auto& [name, since] : dead_since_) {
    if (now - since + settings_.lease() >= settings_.silent_after) silent_.push_back(name);
  }
}

asio::awaitable<Status> WorkerWatch::remove_dead() {
  const std::vector<redis::Holder> all = liveness_.dead();
  for (const redis::Holder& dead : all) {
    if (dead.pending == 0) {
      const Expected<bool> removed =
          co_await queue_.remove_dead_consumer(keys_.incarnation(), judged(dead));
      if (!removed) co_return fail(removed.error());
    } else if (liveness_.living() == 0) {  // otherwise living workers reclaim them
      const Status condemned = co_await condemn_tasks_of(dead);
      if (!condemned) co_return condemned;
    }
  }
  co_return Status();
}

asio::awaitable<Status> WorkerWatch::condemn_tasks_of(redis::Holder holder) {
  const redis::Judged dead = judged(holder);
  const Expected<int> released = co_await queue_.release_unmarked(keys_.incarnation(), dead);
  if (!released) co_return fail(released.error());
  settings_.meters->released.add(static_cast<std::uint64_t>(*released));
  const Expected<std::vector<redis::Pending>> pending =
      co_await queue_.pending_of(keys_.incarnation(), holder.name, kPendingPage);
  if (!pending) co_return fail(pending.error());
  for (const redis::Pending& entry : *pending) {
    const Expected<redis::Reclaimed> verdict = co_await queue_.condemn(
        keys_.incarnation(), entry.id, dead, settings_.spec.lease.max_deliveries);
    if (!verdict) co_return fail(verdict.error());
    if (verdict->verdict == redis::ReclaimVerdict::condemned) settings_.meters->condemned.add();
    if (verdict->verdict == redis::ReclaimVerdict::handed_back) settings_.meters->released.add();
  }
  co_return Status();
}

}  // namespace photoscribe
