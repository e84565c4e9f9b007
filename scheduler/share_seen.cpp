// What photos with the same bytes may take over (DESIGN 5): results go into Redis' `seen` as they
// are recorded and, after the keys were made anew, from the database. Nothing hangs on it, so every
// failure is somebody else's to notice.
#include <algorithm>
#include <iterator>
#include <utility>

#include "scheduler/scheduler.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kRowsAtOnce = 1'000;  // of the database, a few milliseconds
constexpr std::size_t kFreshKept = 20'000;   // while Redis does not take them
constexpr std::int64_t kGenerations = 2;     // RunQueue::note_seen

}  // namespace

asio::awaitable<void> Scheduler::share_seen() {
  if (settings_.remembered_max <= 0) co_return;
  std::vector<Result> some;
  if (!fresh_.empty()) {
    const std::size_t count = std::min(fresh_.size(), redis::kEnqueueMax);
    some.assign(std::make_move_iterator(fresh_.begin()),
                std::make_move_iterator(fresh_.begin() + static_cast<std::ptrdiff_t>(count)));
    fresh_.erase(fresh_.begin(), fresh_.begin() + static_cast<std::ptrdiff_t>(count));
  } else {
    Expected<std::vector<Result>> older = co_await next_to_share();
    if (older) some = std::move(*older);
  }
  if (some.empty()) co_return;
  const std::int64_t generation =
      std::max<std::int64_t>(1, settings_.remembered_max / kGenerations);
  (void)co_await queue_.note_seen(incarnation_, std::move(some), generation);
}

/// Of the database: the newest, as many as are remembered at once.
asio::awaitable<Expected<std::vector<Result>>> Scheduler::next_to_share() {
  if (share_below_ == 0 || shared_ >= settings_.remembered_max) co_return std::vector<Result>();
  const RunId run = settings_.run;
  const std::optional<std::int64_t> below = share_below_;
  const auto read = [run, below](Store& store) {
    return store.results_to_share(run, below, kRowsAtOnce);
  };
  Expected<SharedResults> page = co_await store_.call(read);
  if (!page) co_return fail(page.error());
  share_below_ = page->next_below;
  shared_ += static_cast<std::int64_t>(page->results.size());
  co_return std::move(page->results);
}

void Scheduler::note_fresh(std::vector<Result> fresh) {
  if (settings_.remembered_max <= 0 || fresh_.size() > kFreshKept) return;
  fresh_.insert(fresh_.end(), std::make_move_iterator(fresh.begin()),
                std::make_move_iterator(fresh.end()));
}

}  // namespace photoscribe
