// The feeder: keeps the window full. SQLite first (the cursor), then XADD under the fence.
#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "scheduler/scheduler.h"
#include "scheduler/window.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int64_t kChunk = 2'000;  // tasks per commit: a commit costs milliseconds
constexpr milliseconds kFullWait{50};   // woken earlier by the recorder
constexpr milliseconds kNothingWait{
    1'000};  // the cursor is at the end; woken by a photo asked again

}  // namespace

asio::awaitable<void> Scheduler::feed_loop() {
  while (feeding_ && !aborted_) {
    if (hold_feeder_ || need_reconcile_ || now_.paused) {
      co_await rest_feeder(milliseconds(20));
      continue;
    }
    feeder_at_rest_ = false;
    ++feeder_moves_;
    Status fed = co_await feed_once();
    feeder_at_rest_ = true;
    if (fed) continue;
    const Errc code = fed.error().code;
    // An XADD in doubt is never sent again (H7): what is missing, reconcile finds.
    hold_feeder_ = true;
    need_reconcile_ = true;
    const bool mendable =
        code == Errc::redis_unavailable || code == Errc::run_gone || code == Errc::cancelled;
    if (!mendable && !aborted_) feeder_error_ = fed.error();
    timer_.cancel();
  }
}

asio::awaitable<Status> Scheduler::feed_once() {
  // Small refills would cost a commit each; a quarter of the window still waits for workers.
  const std::int64_t window = bucket_ ? bucket_->window(settings_.window) : settings_.window;
  const std::int64_t worth_it = std::clamp<std::int64_t>(window / 4, 1, kChunk);
  if (window_room(window, 0, now_.enqueued, kChunk) < worth_it) {
    co_await rest_feeder(kFullWait);
    co_return Status();
  }
  if (bucket_ && bucket_->available(steady_clock::now()) < bucket_->worth_it()) {
    co_await rest_feeder(bucket_->wait_for(bucket_->worth_it()));
    co_return Status();
  }
  if (all_enqueued_) {
    co_await rest_feeder(kNothingWait);
    all_enqueued_ = false;  // look again: cheap, and nothing is overlooked
    co_return Status();
  }
  const std::string incarnation = incarnation_;
  const std::uint64_t fence = fence_;
  const Expected<redis::Look> seen = co_await queue_.look(incarnation);
  if (!seen) co_return fail(seen.error());
  std::int64_t room = window_room(window, seen->tasks_length, now_.enqueued, kChunk);
  if (bucket_) room = std::min(room, bucket_->available(steady_clock::now()));
  if (room == 0) {
    co_await rest_feeder(kFullWait);
    co_return Status();
  }

  const RunId run = settings_.run;
  const auto take = [run, room](Store& store) {
    return store.take_tasks(run, static_cast<std::size_t>(room));
  };
  Expected<std::vector<Task>> tasks = co_await stored(take);
  if (!tasks) co_return fail(tasks.error());
  const auto count = static_cast<std::int64_t>(tasks->size());
  all_enqueued_ = count < room;
  if (count == 0) co_return Status();
  if (bucket_) bucket_->take(count);
  now_.enqueued += count;  // committed: from here on they are in S
  if (!now_.first_task) now_.first_task = steady_clock::now();
  const Expected<redis::EnqueueOutcome> added =
      co_await queue_.enqueue(incarnation, fence, std::move(*tasks));
  if (!added) co_return fail(added.error());
  if (*added == redis::EnqueueOutcome::fenced_off) {
    co_return fail(Errc::run_gone, "enqueue: the fence in Redis is not ours");
  }
  co_return Status();
}

asio::awaitable<void> Scheduler::rest_feeder(milliseconds time) {
  feeder_at_rest_ = true;
  feeder_timer_.expires_after(time);
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await feeder_timer_.async_wait(token);
}

}  // namespace photoscribe
