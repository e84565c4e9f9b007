#include "scheduler/scheduler.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "common/redis/errors.h"
#include "common/redis/identity.h"
#include "common/redis/server_info.h"
#include "scheduler/reconcile.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLookEvery{200};        // while idle
constexpr milliseconds kTryEvery{1'000};       // while nothing comes though work is enqueued
constexpr milliseconds kLookWhenBusy{60'000};  // renews the keys' expiry, which is days away
constexpr int kTriesAtTheEnd = 8;            // about ten seconds: nothing is lost by giving up then
constexpr std::size_t kIndexAtOnce = 2'000;  // captions, about 10 ms

double unit_random() {
  return static_cast<double>(redis::random_u64() >> 11) * 0x1p-53;  // 53 bits: [0, 1)
}

redis::ConnectionOptions connection_options() {
  redis::ConnectionOptions options;
  options.client_name = "photoscribe-scheduler";
  return options;
}

}  // namespace

SchedulerSettings scheduler_settings_of(const RunRow& run, const std::vector<Root>& roots,
                                        const LeaseSettings& lease, std::int64_t remembered_max) {
  SchedulerSettings settings;
  settings.run = run.id;
  settings.remembered_max = remembered_max;
  settings.rate_per_s = run.schedule.rate_per_s;
  settings.weight = run.schedule.weight;
  settings.priority = run.schedule.priority;
  RunSpec& spec = settings.spec;
  spec.run = run.name;
  settings.model_name = run.settings.model_name;
  spec.model_hash = run.settings.model_hash;
  spec.search = run.settings.search;
  spec.blur = run.settings.blur;
  spec.limits = run.settings.limits;
  spec.near_duplicates = run.settings.near_duplicates;
  spec.remembers = remembered_max > 0;
  spec.lease = lease;
  for (const Root& root : roots) spec.roots.push_back(root.name);
  return settings;
}

Scheduler::Scheduler(asio::io_context& io, StoreThread& store, SchedulerSettings settings, Say say)
    : io_(io),
      store_(store),
      settings_(std::move(settings)),
      say_(std::move(say)),
      connection_(io.get_executor(), settings_.endpoint, connection_options()),
      queue_(connection_),
      liveness_(milliseconds(settings_.spec.lease.lease_ms)),
      timer_(io),
      feeder_timer_(io) {}

asio::awaitable<Expected<SchedulerEnd>> Scheduler::run() {
  started_ = steady_clock::now();
  if (settings_.rate_per_s > 0) bucket_.emplace(settings_.rate_per_s, started_);
  feeder_done_ = false;
  asio::co_spawn(io_, feed_loop(), [this](std::exception_ptr thrown) {
    feeder_done_ = true;
    timer_.cancel();
    if (thrown) std::rethrow_exception(thrown);  // a bug: out of io_context::run()
  });
  Expected<SchedulerEnd> end = co_await record_loop();
  feeding_ = false;
  feeder_timer_.cancel();
  if (!end) connection_.close();  // what the feeder waits for may never come
  while (!feeder_done_) co_await rest(milliseconds(100));
  connection_.close();
  co_return end;
}

void Scheduler::stop_feeding() {
  feeding_ = false;
  feeder_timer_.cancel();
}

void Scheduler::finish_up() {
  stop_feeding();
  finishing_ = true;
  timer_.cancel();
}

void Scheduler::abort() {
  aborted_ = true;
  feeding_ = false;
  connection_.close();
  timer_.cancel();
  feeder_timer_.cancel();
}

asio::awaitable<Expected<SchedulerEnd>> Scheduler::record_loop() {
  Status counted = co_await refresh_counts();
  if (!counted) co_return fail(counted.error());
  for (;;) {
    if (aborted_) co_return SchedulerEnd::aborted;
    if (feeder_error_) co_return fail(*feeder_error_);
    Expected<MaybeEnd> turned = co_await turn();
    if (turned) {
      failures_ = 0;
    } else {
      if (aborted_) co_return SchedulerEnd::aborted;
      turned = co_await survive(turned.error());
      if (!turned) co_return fail(turned.error());
    }
    if (turned->has_value()) co_return **turned;
  }
}

asio::awaitable<Expected<Scheduler::MaybeEnd>> Scheduler::turn() {
  Status done;
  if (!connection_.is_open()) {
    done = co_await connect();
    if (!done) co_return fail(done.error());
  }
  if (finishing_) {
    if (incarnation_.empty()) co_return SchedulerEnd::drained;
    done = co_await record_what_was_there();
    if (!done) co_return fail(done.error());
    co_return SchedulerEnd::drained;
  }
  if (need_reconcile_) {
    done = co_await reconcile();
    if (!done) {
      need_reconcile_ = true;  // interrupted: it starts over at (1)
      // A server without memory refuses the fence, yet recording is what gives memory back, and
      // what photos may take over is the first to go: nothing else looks before the fence is there.
      const bool refused = done.error().code == Errc::redis_unavailable && connection_.is_open();
      if (refused && !incarnation_.empty()) {
        (void)co_await record_what_was_there();
        co_await stop_remembering(done.error());
      }
      co_return fail(done.error());
    }
  }
  const Expected<std::int64_t> recorded = co_await record_once(std::nullopt);
  if (!recorded) co_return fail(recorded.error());
  if (now_.counts.asked.pending == 0) {
    done = co_await finalize();
    if (!done) co_return fail(done.error());
    if (now_.counts.asked.pending == 0) co_return SchedulerEnd::complete;
    co_return std::nullopt;  // photos were asked again at the last moment
  }
  co_await share_seen();
  if (now_.paused) {
    Expected<MaybeEnd> stayed = co_await stay_paused();
    if (!stayed || stayed->has_value()) co_return stayed;
  }
  if (*recorded == 0) {
    done = co_await idle();
  } else {
    idle_wait_ = milliseconds(1);
    if (steady_clock::now() >= next_look_ + kLookWhenBusy) done = co_await look();
  }
  if (done) done = co_await watch_workers();
  if (!done) co_return fail(done.error());
  co_return std::nullopt;
}

asio::awaitable<Status> Scheduler::idle() {
  if (steady_clock::now() >= next_look_) {
    Status looked = co_await look();
    if (looked) looked = co_await try_writing();
    if (!looked || need_reconcile_) co_return looked;
    const auto index = [](Store& store) { return store.index_captions(kIndexAtOnce); };
    const Expected<std::int64_t> indexed = co_await stored(index);
    if (!indexed) co_return fail(indexed.error());
  }
  co_await rest(idle_wait_);
  idle_wait_ = std::min(idle_wait_ * 2, settings_.idle_poll_max);
  co_return Status();
}

asio::awaitable<Status> Scheduler::look() {
  const bool was_at_rest = feeder_at_rest_;
  const std::uint64_t moves = feeder_moves_;
  const Expected<redis::Look> seen = co_await queue_.look(incarnation_);
  if (!seen) co_return fail(seen.error());
  next_look_ = steady_clock::now() + kLookEvery;
  if (!seen->registered) {
    Status registered = co_await queue_.register_run(listing());
    if (!registered) co_return registered;
  }
  if (now_.paused) {
    note_paused(*seen);
    co_return Status();
  }
  Outstanding mine;
  mine.enqueued = now_.enqueued;
  mine.pending = now_.counts.asked.pending;
  mine.feeder_idle = was_at_rest && feeder_at_rest_ && moves == feeder_moves_;
  mine.all_enqueued = all_enqueued_;
  if (is_stranded(*seen, mine)) {
    say(EventLevel::warning, "Redis holds no task although " + std::to_string(mine.pending) +
                                 " photos are unfinished: enqueueing them again");
    need_reconcile_ = true;
  }
  co_return Status();
}

// A server without memory, or with a full disk, refuses workers their results, while all that the
// scheduler does meanwhile is allowed: so it writes something that is there already.
asio::awaitable<Status> Scheduler::try_writing() {
  const auto now = steady_clock::now();
  const auto moved = now_.last_result.value_or(now_.first_task.value_or(started_));
  if (now_.enqueued == 0 || now - moved < kTryEvery || now < next_try_) co_return Status();
  next_try_ = now + kTryEvery;
  const Status written = co_await queue_.register_run(listing());
  if (written) {
    say_writes_again();
    co_return Status();
  }
  if (written.error().code != Errc::redis_unavailable || !connection_.is_open()) co_return written;
  const Error error = written.error();
  co_await stop_remembering(error);
  if (!std::exchange(refusal_said_, true)) {
    say(EventLevel::warning, error.message +
                                 ": workers wait until Redis takes their results (its memory, "
                                 "maxmemory, or its disk?)");
  }
  co_return Status();
}

void Scheduler::say_writes_again() {
  if (refusal_said_) say(EventLevel::info, "Redis takes results again");
  refusal_said_ = false;
}

asio::awaitable<Status> Scheduler::connect() {
  // Whatever the server's run_id: commands of before may be in doubt (H7), and it may have been
  // replaced by an older copy.
  need_reconcile_ = true;
  hold_feeder_ = true;
  liveness_.forget();
  for (auto& [name, since] : dead_since_) since = steady_clock::now();  // nobody could beat (H12)
  Status up = co_await connection_.connect();
  if (!up) co_return up;
  const Expected<redis::ServerInfo> info = co_await redis::read_server_info(connection_);
  if (!info) {
    connection_.close();  // else the next turn would skip the check
    co_return fail(info.error());
  }
  up = redis::check_server(*info);
  if (!up) {
    connection_.close();
    co_return up;
  }
  ever_connected_ = true;
  now_.connected = true;
  redis_memory_max_ = info->maxmemory;
  if (redis_trouble_said_) say(EventLevel::info, "Redis answers again");
  redis_trouble_said_ = false;
  co_return Status();
}

asio::awaitable<Expected<Scheduler::MaybeEnd>> Scheduler::survive(Error error) {
  ++failures_;
  now_.connected = connection_.is_open();
  const bool redis_away = error.code == Errc::redis_unavailable || error.code == Errc::cancelled;
  if (error.code == Errc::run_gone) {
    need_reconcile_ = true;
    hold_feeder_ = true;
  } else if (!redis_away) {
    co_return fail(std::move(error));
  }
  if (redis_away && !ever_connected_ && !connection_.is_open() &&
      steady_clock::now() - started_ > settings_.first_connect) {
    co_return fail(std::move(error));
  }
  // Results that stay in Redis are recorded at the next start, and keys expire by themselves.
  if (finishing_ && failures_ > kTriesAtTheEnd / 2) co_return SchedulerEnd::drained;
  const bool at_the_end = now_.counts.asked.pending == 0 || cancelled_;
  if (at_the_end && failures_ > kTriesAtTheEnd) {
    say(EventLevel::warning, "Redis could not be tidied up (" + error.message +
                                 "): its keys of this run expire by themselves");
    co_return cancelled_ ? SchedulerEnd::cancelled : SchedulerEnd::complete;
  }
  if (redis_away && failures_ > 1 && !redis_trouble_said_) {
    say(EventLevel::warning, error.message + ": waiting for Redis");
    redis_trouble_said_ = true;
  }
  co_await rest(redis::backoff(failures_, unit_random()));
  co_return std::nullopt;
}

asio::awaitable<Status> Scheduler::finalize() {
  const RunId run = settings_.run;
  const auto list = [run](Store& store) { return store.past_incarnations(run); };
  Expected<std::vector<std::string>> all = co_await stored(list);
  if (!all) co_return fail(all.error());
  all->push_back(incarnation_);
  Status deleted = co_await queue_.delete_runs(std::move(*all));
  if (!deleted) co_return deleted;
  const auto end = [run](Store& store) { return store.end_incarnation(run); };
  Status ended = co_await stored(end);
  if (!ended) co_return ended;
  incarnation_.clear();
  spec_checked_ = false;
  need_reconcile_ = true;
  hold_feeder_ = true;
  co_return co_await refresh_counts();
}

asio::awaitable<bool> Scheduler::wait_for_disk(Error error) {
  if (aborted_ || finishing_) co_return false;
  if (!disk_trouble_said_) {
    say(EventLevel::warning, error.message + ": waiting until the database can be written");
    disk_trouble_said_ = true;
  }
  // A timer of its own, since both loops may wait here, and short steps, since abort() only says
  // so.
  asio::steady_timer timer(io_);
  const int steps = error.code == Errc::store_full ? 20 : 2;
  for (int i = 0; i < steps && !aborted_ && !finishing_; ++i) {
    timer.expires_after(milliseconds(100));
    boost::system::error_code woken;
    auto token = asio::redirect_error(asio::use_awaitable, woken);
    co_await timer.async_wait(token);
  }
  co_return !aborted_ && !finishing_;
}

asio::awaitable<void> Scheduler::rest(milliseconds time) {
  timer_.expires_after(time);
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await timer_.async_wait(token);
}

asio::awaitable<Status> Scheduler::refresh_counts() {
  const RunId run = settings_.run;
  const auto count = [run](Store& store) { return store.counts(run); };
  const Expected<RunCounts> counts = co_await stored(count);
  if (!counts) co_return fail(counts.error());
  now_.counts = *counts;
  co_return Status();
}

void Scheduler::say(EventLevel level, std::string text) {
  Event event;
  event.level = level;
  event.text = std::move(text);
  say_(event);
}

redis::RunListing Scheduler::listing() const {
  redis::RunListing line;
  line.incarnation = incarnation_;
  line.name = settings_.spec.run;
  line.weight = settings_.weight;
  line.priority = settings_.priority;
  return line;
}

}  // namespace photoscribe
