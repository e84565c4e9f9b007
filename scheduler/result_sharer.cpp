// What photos with the same bytes may take over (design.md 5): results go into Redis' `seen` as
// they are recorded and, after the keys were made anew, from the database. Nothing hangs on it:
// where it fails photos are done by themselves, and where Redis is short of memory it is the first
// to go.
#include <algorithm>
#include <iterator>
#include <utility>

#include "common/redis/errors.h"
#include "scheduler/scheduler.h"
#include "scheduler/window.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kRowsAtOnce = 1'000;  // of the database, a few milliseconds
constexpr std::size_t kFreshKept = 20'000;   // while Redis cannot be reached

}  // namespace

/// Of one generation. 0: nothing is remembered.
std::int64_t Scheduler::remembered_at_once() const {
  return remembering_ ? generation_of(settings_.remembered_max, redis_memory_max_) : 0;
}

asio::awaitable<void> Scheduler::share_seen() {
  if (remembered_at_once() == 0) {
    fresh_.clear();
    co_return;
  }
  while (!fresh_.empty()) {
    const std::size_t count = std::min(fresh_.size(), redis::kEnqueueMax);
    const auto end = fresh_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Result> some(fresh_.begin(), end);
    if (!co_await note(std::move(some))) co_return;
    const std::size_t there = std::min(count, fresh_.size());
    fresh_.erase(fresh_.begin(), fresh_.begin() + static_cast<std::ptrdiff_t>(there));
  }
  co_await share_older();
}

/// Of the database: the newest, one generation, so that none of them is the first to be forgotten.
asio::awaitable<void> Scheduler::share_older() {
  if (share_below_ == 0 || shared_ >= remembered_at_once()) co_return;
  const RunId run = settings_.run;
  const std::optional<std::int64_t> below = share_below_;
  const auto read = [run, below](Store& store) {
    return store.results_to_share(run, below, kRowsAtOnce);
  };
  Expected<SharedResults> page = co_await store_.call(read);
  if (!page) co_return;
  const std::int64_t next_below = page->next_below;
  const auto count = static_cast<std::int64_t>(page->results.size());
  if (count > 0 && !co_await note(std::move(page->results))) co_return;
  share_below_ = next_below;
  shared_ += count;
}

/// False: they are not there.
asio::awaitable<bool> Scheduler::note(std::vector<Result> results) {
  const std::int64_t generation = remembered_at_once();
  const Status noted = co_await queue_.note_seen(incarnation_, std::move(results), generation);
  if (noted) co_return true;
  const bool refused =
      noted.error().code == Errc::redis_refused || redis::is_wrong_type(noted.error());
  const bool short_of_memory =
      noted.error().code == Errc::redis_unavailable && connection_.is_open();
  if (refused || short_of_memory) co_await stop_remembering(noted.error());
  co_return false;  // a lost connection or run is for the next call to notice
}

/// Until the keys are made anew. What it held is the run's again: recording needs it.
asio::awaitable<void> Scheduler::stop_remembering(Error why) {
  if (!std::exchange(remembering_, false)) co_return;
  fresh_.clear();
  const Status forgotten = co_await queue_.forget_seen(incarnation_);
  say(EventLevel::warning, why.message + ": photos with the same bytes are done one by one now" +
                               (forgotten ? "" : " (" + forgotten.error().message + ")"));
}

/// New keys know of nothing; and what was recorded under the old ones may be of other settings: the
/// database tells.
void Scheduler::forget_shared() {
  share_below_.reset();
  shared_ = 0;
  fresh_.clear();
  remembering_ = true;
}

void Scheduler::note_fresh(std::vector<Result> fresh) {
  if (fresh_.size() > kFreshKept) return;
  fresh_.insert(fresh_.end(), std::make_move_iterator(fresh.begin()),
                std::make_move_iterator(fresh.end()));
}

}  // namespace photoscribe
