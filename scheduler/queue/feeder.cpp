#include "scheduler/queue/feeder.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <utility>
#include <vector>

#include "common/async/rethrow.h"
#include "scheduler/queue/window.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int64_t kChunk = 2'000;  // tasks per commit: a commit costs milliseconds
constexpr milliseconds kHeldWait{20};
constexpr milliseconds kFullWait{50};        // woken earlier by the recorder
constexpr milliseconds kNothingWait{1'000};  // the cursor is at the end; woken by a retried photo

}  // namespace

Feeder::Feeder(asio::io_context& io, const SchedulerSettings& settings,
               redis::SchedulerQueue& queue, const RunKeys& keys, RunStore& store, RunTally& tally,
               ReconcileGate& gate, const Mode& mode, WakeableTimer& recorder)
    : io_(io),
      settings_(settings),
      queue_(queue),
      keys_(keys),
      store_(store),
      tally_(tally),
      gate_(gate),
      mode_(mode),
      recorder_(recorder),
      timer_(io) {}

void Feeder::start() {
  if (settings_.rate_per_s > 0) bucket_.emplace(settings_.rate_per_s, steady_clock::now());
  asio::co_spawn(io_, loop(), [this](std::exception_ptr thrown) { ended(thrown); });
}

void Feeder::ended(std::exception_ptr thrown) {
  state_ = State::ended;
  recorder_.wake();
  rethrow(thrown);
}

void Feeder::stop() {
  stopped_ = true;
  timer_.wake();
}

void Feeder::look_again() {
  has_fed_all_ = false;
  timer_.wake();
}

asio::awaitable<void> Feeder::come_to_rest() {
  while (state_ == State::feeding && mode_ != Mode::abort) {
    co_await recorder_.rest(milliseconds(2));
  }
}

std::optional<std::uint64_t> Feeder::current_rest() const {
  if (state_ == State::feeding) return std::nullopt;
  return rests_;
}

asio::awaitable<void> Feeder::loop() {
  while (!stopped_ && !is_ending(mode_)) {
    if (gate_.holds_feeder() || !may_begin_photos(mode_)) {
      co_await rest(kHeldWait);
      continue;
    }
    state_ = State::feeding;
    ++rests_;
    Status fed = co_await feed_once();
    state_ = State::resting;
    if (fed) continue;
    const Errc code = fed.error().code;
    // An XADD in doubt is never sent again (H7): what is missing, reconcile finds.
    gate_.request();
    const bool transient =
        code == Errc::redis_unavailable || code == Errc::run_gone || code == Errc::cancelled;
    if (!transient && mode_ != Mode::abort) error_ = fed.error();
    recorder_.wake();
  }
}

asio::awaitable<Status> Feeder::feed_once() {
  // Small refills would cost a commit each; a quarter of the window still waits for workers.
  const std::int64_t window = bucket_ ? bucket_->window(settings_.window) : settings_.window;
  const std::int64_t worth_it = std::clamp<std::int64_t>(window / 4, 1, kChunk);
  if (window_room(window, 0, tally_.enqueued(), kChunk) < worth_it) {
    co_await rest(kFullWait);
    co_return Status();
  }
  if (bucket_ && bucket_->available(steady_clock::now()) < bucket_->worth_it()) {
    co_await rest(bucket_->wait_for(bucket_->worth_it()));
    co_return Status();
  }
  if (has_fed_all_) {
    co_await rest(kNothingWait);
    has_fed_all_ = false;  // look again: it is cheap, and nothing is missed
    co_return Status();
  }
  const Expected<std::int64_t> room = co_await room_in(window);
  if (!room) co_return fail(room.error());
  if (*room == 0) {
    co_await rest(kFullWait);
    co_return Status();
  }
  co_return co_await enqueue(*room);
}

asio::awaitable<Expected<std::int64_t>> Feeder::room_in(std::int64_t window) {
  const Expected<redis::Look> seen = co_await queue_.look(keys_.incarnation());
  if (!seen) co_return fail(seen.error());
  const std::int64_t room = window_room(window, seen->tasks_length, tally_.enqueued(), kChunk);
  co_return bucket_ ? std::min(room, bucket_->available(steady_clock::now())) : room;
}

asio::awaitable<Status> Feeder::enqueue(std::int64_t room) {
  const std::string incarnation = keys_.incarnation();
  const std::uint64_t fence = keys_.fence();
  Expected<std::vector<Task>> tasks = co_await store_.take_tasks(room);
  if (!tasks) co_return fail(tasks.error());
  const auto count = static_cast<std::int64_t>(tasks->size());
  has_fed_all_ = count < room;
  if (count == 0) co_return Status();
  if (bucket_) bucket_->take(count);
  settings_.meters->retried.add(static_cast<std::uint64_t>(std::count_if(
      tasks->begin(), tasks->end(), [](const Task& task) { return task.attempt > 1; })));
  tally_.add_enqueued(count, steady_clock::now());
  const Expected<redis::EnqueueOutcome> added =
      co_await queue_.enqueue(incarnation, fence, std::move(*tasks));
  if (!added) co_return fail(added.error());
  if (*added == redis::EnqueueOutcome::fenced_off) {
    co_return fail(Errc::run_gone, "enqueue: the fence in Redis is another scheduler's");
  }
  co_return Status();
}

asio::awaitable<void> Feeder::rest(milliseconds time) {
  state_ = State::resting;
  co_await timer_.rest(time);
}

}  // namespace photoscribe
