#include "scheduler/queue/run_keys.h"

#include <chrono>
#include <utility>
#include <vector>

#include "common/core/random.h"
#include "common/redis/identity.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

// Keys that nobody renews have expired by then, also those of a copy of the server that comes back.
constexpr milliseconds kRememberKeysFor = redis::kRunExpiry + std::chrono::hours(24);

}  // namespace

RunKeys::RunKeys(const SchedulerSettings& settings, redis::SchedulerQueue& queue, RunStore& store)
    : settings_(settings), queue_(queue), store_(store) {}

redis::RunListing RunKeys::listing() const {
  redis::RunListing line;
  line.incarnation = incarnation_;
  line.name = settings_.spec.run;
  line.weight = settings_.weight;
  line.priority = settings_.priority;
  return line;
}

asio::awaitable<Expected<RunKeys::Found>> RunKeys::find() {
  if (incarnation_.empty()) {
    const Expected<std::string> stored = co_await store_.incarnation();
    if (!stored) co_return fail(stored.error());
    incarnation_ = *stored;
  }
  if (incarnation_.empty()) co_return Found::gone;
  const Expected<redis::Presence> there = co_await queue_.presence(incarnation_);
  if (!there) co_return fail(there.error());
  if (!there->complete()) {
    if (state_ == State::unmade && !there->nothing()) state_ = State::unknown;
    co_return Found::gone;
  }
  if (state_ == State::unknown) {
    const Expected<RunSpec> spec = co_await queue_.read_spec(incarnation_);
    if (!spec && spec.error().code == Errc::run_gone) co_return Found::gone;
    if (!spec && spec.error().code != Errc::bad_payload) co_return fail(spec.error());
    if (!spec || *spec != settings_.spec) co_return Found::other_settings;
  }
  state_ = State::ours;
  if (!there->registered) {
    const Status registered = co_await register_run();
    if (!registered) co_return fail(registered.error());
  }
  co_return Found::ours;
}

asio::awaitable<Status> RunKeys::make() {
  if (state_ != State::unmade) {
    const std::string fresh = redis::new_incarnation();
    const Status stored = co_await store_.begin_incarnation(fresh);  // before its first use
    if (!stored) co_return stored;
    incarnation_ = fresh;
    fences_.clear();
    state_ = State::unmade;
  }
  // First: the old keys may be what fills a server that is out of memory.
  const Status deleted = co_await delete_past();
  if (!deleted) co_return deleted;
  const std::uint64_t fence = random_u64();
  fences_.insert(fence);
  const Status made = co_await queue_.make_run(listing(), settings_.spec, fence);
  if (made) state_ = State::ours;
  co_return made;
}

asio::awaitable<Expected<std::optional<redis::Snapshot>>> RunKeys::fence_off() {
  const std::uint64_t fence = random_u64();
  const bool has_written = !fences_.empty();
  Expected<redis::Snapshot> snapshot = co_await queue_.snapshot(incarnation_, fence);
  if (!snapshot) {
    fences_.insert(fence);  // may have been written all the same
    co_return fail(snapshot.error());
  }
  const std::optional<std::uint64_t>& before = snapshot->previous_fence;
  if (has_written && before && !fences_.contains(*before)) co_return std::nullopt;
  fences_.insert(fence);
  fence_ = fence;
  std::optional<redis::Snapshot> window = std::move(*snapshot);
  co_return window;
}

asio::awaitable<Status> RunKeys::register_run() { return queue_.register_run(listing()); }

asio::awaitable<Status> RunKeys::delete_past() {
  const auto now =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const Status forgotten = co_await store_.forget_incarnations((now - kRememberKeysFor).count());
  if (!forgotten) co_return forgotten;
  Expected<std::vector<std::string>> past = co_await store_.past_incarnations();
  if (!past) co_return fail(past.error());
  if (past->empty()) co_return Status();
  co_return co_await queue_.delete_runs(std::move(*past));
}

asio::awaitable<Status> RunKeys::delete_all() {
  Expected<std::vector<std::string>> all = co_await store_.past_incarnations();
  if (!all) co_return fail(all.error());
  all->push_back(incarnation_);
  const Status deleted = co_await queue_.delete_runs(std::move(*all));
  if (!deleted) co_return deleted;
  const Status ended = co_await store_.end_incarnation();
  if (!ended) co_return ended;
  incarnation_.clear();
  state_ = State::unknown;
  co_return Status();
}

}  // namespace photoscribe
