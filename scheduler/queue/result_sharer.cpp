#include "scheduler/queue/result_sharer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/redis/errors.h"
#include "scheduler/queue/window.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kRowsAtOnce = 1'000;  // of the database, a few milliseconds
constexpr std::size_t kFreshKept = 20'000;   // while Redis cannot be reached

}  // namespace

ResultSharer::ResultSharer(std::int64_t remembered_max, const RedisLink& link,
                           redis::SchedulerQueue& queue, const RunKeys& keys, RunStore& store,
                           TroubleReporter& reporter)
    : remembered_max_(remembered_max),
      link_(link),
      queue_(queue),
      keys_(keys),
      store_(store),
      reporter_(reporter) {}

/// Results of one generation. 0: nothing is remembered.
std::int64_t ResultSharer::at_once() const {
  return stopped_ ? 0 : generation_of(remembered_max_, link_.memory_max());
}

asio::awaitable<void> ResultSharer::share() {
  if (at_once() == 0) {
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

/// From the database: the newest, one generation, so that none of them is the first to go.
asio::awaitable<void> ResultSharer::share_older() {
  if (share_below_ == 0 || shared_ >= at_once()) co_return;
  Expected<SharedResults> page = co_await store_.results_to_share(share_below_, kRowsAtOnce);
  if (!page) co_return;
  const std::int64_t next_below = page->next_below;
  const auto count = static_cast<std::int64_t>(page->results.size());
  if (count > 0 && !co_await note(std::move(page->results))) co_return;
  share_below_ = next_below;
  shared_ += count;
}

/// False: they are not in Redis.
asio::awaitable<bool> ResultSharer::note(std::vector<Result> results) {
  const std::int64_t generation = at_once();
  const Status noted =
      co_await queue_.note_seen(keys_.incarnation(), std::move(results), generation);
  if (noted) co_return true;
  const bool refused =
      noted.error().code == Errc::redis_refused || redis::is_wrong_type(noted.error());
  const bool short_of_memory = noted.error().code == Errc::redis_unavailable && link_.is_open();
  if (refused || short_of_memory) co_await stop(noted.error());
  co_return false;  // a lost connection or run is for the next call to notice
}

asio::awaitable<void> ResultSharer::stop(Error why) {
  if (std::exchange(stopped_, true)) co_return;
  fresh_.clear();
  const Status forgotten = co_await queue_.forget_seen(keys_.incarnation());
  reporter_.report(EventLevel::warning,
                   why.message + ": photos with the same bytes are now processed one by one" +
                       (forgotten ? "" : " (" + forgotten.error().message + ")"));
}

void ResultSharer::start_over() {
  share_below_.reset();
  shared_ = 0;
  fresh_.clear();
  stopped_ = false;
}

void ResultSharer::add(std::vector<Result> fresh) {
  if (fresh_.size() > kFreshKept) return;
  fresh_.insert(fresh_.end(), std::make_move_iterator(fresh.begin()),
                std::make_move_iterator(fresh.end()));
}

}  // namespace photoscribe
