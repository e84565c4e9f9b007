#include "scheduler/queue/scheduler.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "common/async/backoff.h"
#include "scheduler/queue/after_failure.h"
#include "scheduler/queue/reconcile.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookEvery{200};       // while idle
constexpr milliseconds kLookWhenBusy{5'000};  // renews the keys' expiry, and tells the monitor
constexpr std::size_t kIndexAtOnce = 2'000;   // captions, about 10 ms

}  // namespace

Scheduler::Scheduler(asio::io_context& io, StoreThread& store, SchedulerSettings settings, Say say)
    : settings_(std::move(settings)),
      reporter_(std::move(say)),
      timer_(io),
      link_(io, settings_.endpoint, reporter_),
      queue_(link_.connection()),
      store_(store, settings_.run, mode_, reporter_),
      keys_(settings_, queue_, store_),
      feeder_(io, settings_, queue_, keys_, store_, tally_, gate_, mode_, timer_),
      sharer_(settings_.remembered_max, link_, queue_, keys_, store_, reporter_),
      recorder_(queue_, keys_, store_, tally_, sharer_, feeder_, reporter_, *settings_.meters,
                mode_),
      withdrawal_(queue_, keys_, feeder_),
      workers_(settings_, queue_, keys_),
      eviction_(link_.connection(), reporter_),
      fleet_(settings_, link_.connection(), reporter_),
      probe_(link_, keys_, sharer_, reporter_),
      reconciler_({queue_, keys_, store_, tally_, gate_, feeder_, recorder_, sharer_, withdrawal_,
                   workers_, eviction_, reporter_, *settings_.meters, mode_}) {}

SchedulerNow Scheduler::now() const {
  SchedulerNow now;
  tally_.show_in(now);
  now.reconciles = reconciler_.count();
  now.workers_living = workers_.living();
  now.workers_silent = workers_.silent();
  now.nobody_serves = fleet_.nobody_serves();
  now.work = fleet_.work();
  now.connected = link_.is_connected();
  now.paused = withdrawal_.has_begun();
  now.in_hand = withdrawal_.in_hand();
  return now;
}

QueueNow Scheduler::queue_now() const {
  QueueNow now;
  SchedulerNow at;
  tally_.show_in(at);
  now.counts = at.counts;
  now.connected = link_.is_connected();
  if (!now.connected) return now;
  now.look = look_;
  now.workers = fleet_.workers();
  return now;
}

void Scheduler::pause() {
  if (!may_begin_photos(mode_)) return;
  mode_ = follow(mode_, Mode::pause);
  withdrawal_.begin(tally_.enqueued());
  timer_.wake();
}

void Scheduler::resume() {
  if (mode_ != Mode::pause) return;
  mode_ = follow(mode_, Mode::run);
  withdrawal_.end();
  gate_.request();
  timer_.wake();
}

void Scheduler::cancel() {
  pause();
  mode_ = follow(mode_, Mode::cancel);
  cancelled_at_ = Clock::now();
}

void Scheduler::expect_more(const RunCounts& counts) {
  tally_.set_counts(counts);
  feeder_.look_again();
  timer_.wake();
}

void Scheduler::finish_up() {
  feeder_.stop();
  mode_ = follow(mode_, Mode::finish);
  timer_.wake();
}

void Scheduler::abort() {
  mode_ = Mode::abort;
  feeder_.stop();
  link_.close();
  timer_.wake();
}

asio::awaitable<Expected<SchedulerEnd>> Scheduler::run() {
  started_ = Clock::now();
  feeder_.start();
  Expected<SchedulerEnd> end = co_await loop();
  feeder_.stop();
  if (!end) link_.close();  // what the feeder waits for may never come
  co_await keep_work();
  while (!feeder_.has_ended()) co_await timer_.rest(milliseconds(100));
  link_.close();
  co_return end;
}

/// For people: of the workers' last second nothing is known.
asio::awaitable<void> Scheduler::keep_work() {
  if (link_.is_open()) (void)co_await fleet_.look(workers_.living(), false);
  const WorkDone work = fleet_.work();
  if (work.photos > 0) (void)co_await store_.add_work(work);
}

asio::awaitable<Expected<SchedulerEnd>> Scheduler::loop() {
  const Status counted = co_await count();
  if (!counted) co_return fail(counted.error());
  for (;;) {
    if (mode_ == Mode::abort) co_return SchedulerEnd::aborted;
    if (feeder_.error()) co_return fail(*feeder_.error());
    Expected<MaybeEnd> turned = co_await turn();
    if (turned) {
      failures_ = 0;
    } else {
      if (mode_ == Mode::abort) co_return SchedulerEnd::aborted;
      turned = co_await survive(turned.error());
      if (!turned) co_return fail(turned.error());
    }
    if (turned->has_value()) co_return **turned;
  }
}

asio::awaitable<Expected<Scheduler::MaybeEnd>> Scheduler::turn() {
  Status done;
  if (!link_.is_open()) done = co_await connect();
  if (!done) co_return fail(done.error());
  if (mode_ == Mode::finish) {
    if (keys_.are_known()) done = co_await recorder_.record_available();
    if (!done) co_return fail(done.error());
    co_return SchedulerEnd::drained;
  }
  if (gate_.is_wanted()) done = co_await reconcile();
  if (!done) co_return fail(done.error());
  const Expected<std::int64_t> recorded = co_await recorder_.record_some();
  if (!recorded) co_return fail(recorded.error());
  if (tally_.pending() == 0 && !settings_.stays_open) {
    done = co_await tidy_up();
    if (!done) co_return fail(done.error());
    if (tally_.pending() == 0) co_return SchedulerEnd::complete;
    co_return std::nullopt;  // photos were retried at the last moment
  }
  co_await sharer_.share();
  if (is_paused(mode_)) {
    Expected<MaybeEnd> stayed = co_await stay_paused();
    if (!stayed || stayed->has_value()) co_return stayed;
  }
  if (*recorded == 0) {
    done = co_await idle();
  } else {
    idle_wait_ = milliseconds(1);
    if (Clock::now() >= next_look_ + kLookWhenBusy) done = co_await look();
  }
  if (done) done = co_await watch();
  if (!done) co_return fail(done.error());
  co_return std::nullopt;
}

asio::awaitable<Expected<Scheduler::MaybeEnd>> Scheduler::survive(Error error) {
  ++failures_;
  link_.note_failure();
  if (error.code == Errc::run_gone) gate_.request();
  FailedTurn turn;
  turn.code = error.code;
  turn.failures = failures_;
  turn.mode = mode_;
  turn.is_open = link_.is_open();
  turn.ever_connected = link_.was_ever_connected();
  turn.has_photos = tally_.pending() > 0;
  turn.since_start = Clock::now() - started_;
  turn.first_connect = settings_.first_connect;
  const AfterFailure next = after_failure(turn);
  if (next == AfterFailure::give_up) co_return fail(std::move(error));
  if (next == AfterFailure::drain) co_return SchedulerEnd::drained;
  if (next == AfterFailure::leave_keys) {
    reporter_.report(EventLevel::warning, "Redis could not be cleaned up (" + error.message +
                                              "): this run's keys there will expire");
    co_return mode_ == Mode::cancel ? SchedulerEnd::cancelled : SchedulerEnd::complete;
  }
  if (is_redis_away(error.code) && failures_ > 1) {
    reporter_.begin(Trouble::redis, error.message + ": waiting for Redis");
  }
  co_await timer_.rest(jittered_backoff(failures_));
  co_return std::nullopt;
}

asio::awaitable<Status> Scheduler::connect() {
  // Whatever the server's run_id: earlier commands may be in doubt (H7), and it may be an older
  // copy.
  gate_.request();
  workers_.excuse(Clock::now());  // no worker could send a heartbeat (H12)
  co_return co_await link_.connect();
}

asio::awaitable<Status> Scheduler::reconcile() {
  Status done = co_await reconciler_.reconcile();
  if (done) co_return done;
  // A server without memory refuses the fence, yet recording frees memory, and shared results are
  // the first to go: nothing else would free them before the fence is written.
  const bool refused = done.error().code == Errc::redis_unavailable && link_.is_open();
  if (refused && keys_.are_known()) {
    (void)co_await recorder_.record_available();
    co_await sharer_.stop(done.error());
  }
  co_return done;
}

asio::awaitable<Expected<Scheduler::MaybeEnd>> Scheduler::stay_paused() {
  Status done;
  if (!withdrawal_.is_complete()) {
    done = co_await withdrawal_.take_out();
    if (done) done = co_await look();
    if (!done) co_return fail(done.error());
  }
  if (mode_ != Mode::cancel) co_return std::nullopt;
  if (!is_cancel_over(withdrawal_.in_hand(), cancelled_at_, tally_.last_result(), settings_.lease(),
                      Clock::now())) {
    co_return std::nullopt;
  }
  done = co_await recorder_.record_available();
  if (done) done = co_await tidy_up();
  if (!done) co_return fail(done.error());
  co_return SchedulerEnd::cancelled;
}

asio::awaitable<Status> Scheduler::idle() {
  if (Clock::now() >= next_look_) {
    Status looked = co_await look();
    const bool waits = tally_.enqueued() > 0;
    if (looked && waits) looked = co_await probe_.look(tally_.moved_at().value_or(started_));
    if (!looked || gate_.is_wanted()) co_return looked;
    const Expected<std::int64_t> indexed = co_await store_.index_captions(kIndexAtOnce);
    if (!indexed) co_return fail(indexed.error());
  }
  co_await timer_.rest(idle_wait_);
  idle_wait_ = std::min(idle_wait_ * 2, settings_.idle_poll_max);
  co_return Status();
}

asio::awaitable<Status> Scheduler::look() {
  const std::optional<std::uint64_t> rest_before = feeder_.current_rest();
  const Expected<redis::Look> seen = co_await queue_.look(keys_.incarnation());
  if (!seen) co_return fail(seen.error());
  look_ = *seen;
  next_look_ = Clock::now() + kLookEvery;
  if (!seen->registered) {
    const Status registered = co_await keys_.register_run();
    if (!registered) co_return registered;
  }
  if (!may_begin_photos(mode_)) {
    withdrawal_.observe(*seen);
    co_return Status();
  }
  Outstanding mine;
  mine.enqueued = tally_.enqueued();
  mine.pending = tally_.pending();
  mine.feeder_idle = rest_before && rest_before == feeder_.current_rest();
  mine.all_enqueued = feeder_.has_fed_all();
  if (is_stranded(*seen, mine)) {
    reporter_.report(EventLevel::warning, "Redis holds no task although " +
                                              std::to_string(mine.pending) +
                                              " photos are unfinished: enqueueing them again");
    gate_.request();
  }
  co_return Status();
}

asio::awaitable<Status> Scheduler::watch() {
  if (!workers_.is_due(Clock::now())) co_return Status();
  if (reporter_.is_ongoing(Trouble::refusal))
    workers_.excuse(Clock::now());  // no heartbeat gets through (H12)
  Status done = co_await workers_.observe();
  if (done) done = co_await eviction_.look();
  const bool wants_workers = may_begin_photos(mode_) && tally_.pending() > 0;
  if (done) done = co_await fleet_.look(workers_.living(), wants_workers);
  if (done) done = co_await workers_.remove_dead();
  co_return done;
}

asio::awaitable<Status> Scheduler::tidy_up() {
  const Status deleted = co_await keys_.delete_all();
  if (!deleted) co_return deleted;
  gate_.request();
  co_return co_await count();
}

asio::awaitable<Status> Scheduler::count() {
  const Expected<RunCounts> counts = co_await store_.counts();
  if (!counts) co_return fail(counts.error());
  tally_.set_counts(*counts);
  co_return Status();
}

}  // namespace photoscribe
