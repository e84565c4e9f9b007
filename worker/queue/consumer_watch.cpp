// What a consumer watches while it works, and how it ends.
#include <spdlog/spdlog.h>

#include <ctime>
#include <utility>

#include "common/core/resident_memory.h"
#include "common/redis/fleet.h"
#include "common/text/escape.h"
#include "worker/queue/consumer_impl.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto kTimeoutLimit = 5'000ms;   // for other photos in work to finish
constexpr auto kReplaceLimit = 30'000ms;  // for what is in work to finish
constexpr auto kGoodbye = 500ms;          // past the limit, for the last hand-back
constexpr auto kWatchEvery = 100ms;
constexpr auto kReportEvery = 500ms;  // the heart sends it once a second

}  // namespace

// ---- the watch

asio::awaitable<void> Consumer::Impl::watch_loop() {
  watchdog_.tick(Clock::now(), kWatchEvery);
  while (!stop_.ended()) {
    co_await wakes_.watch.rest(kWatchEvery);
    watchdog_.tick(Clock::now(), kWatchEvery);  // before anything is judged by its time
    // The server itself may hang: its silence must not delay the end for ever.
    if (stop_.begun() && Clock::now() >= stop_.deadline() + 2 * kGoodbye) close();
    if (stop_.ended()) break;
    pipeline_.let_out();
    roots_.watch(jobs_, [this](Clock::time_point since) { return watchdog_.worked_since(since); });
    watch_memory();
    std::string why = why_not_ready();
    report(why);
    show_held();
    health_.tick(Clock::now(), std::move(why));
    if (!stop_.replaces()) watch_time_outs();
  }
}

std::string Consumer::Impl::why_not_ready() {
  std::string why;
  if (stop_.begun()) {
    why = "stopping";
  } else if (take_.ails() || feed_.ails() || publish_.ails()) {
    why = "Redis does not answer";
  } else if (machine_.resting()) {
    why = machine_.why();
  } else if (roots_.none_ready()) {
    why = "none of its roots can be read";
  }
  const std::size_t held = runs_.waiting() + jobs_.size() + publisher_.unpublished();
  const std::string still = watchdog_.standstill(held, !why.empty(), runs_.lease(), Clock::now());
  if (still.empty()) return why;
  if (jobs_.empty() && watchdog_.is_stuck())
    stop_.begin(Ending{kExitReplaceMe, still}, kReplaceLimit);
  return still;
}

void Consumer::Impl::watch_memory() {
  if (stop_.begun() || !watchdog_.watches_memory()) return;
  if (std::optional<Ending> ending =
          watchdog_.judge_memory(resident_bytes(), machine_.photos_read())) {
    stop_.begin(std::move(*ending), kReplaceLimit);
  }
}

// A read that hangs is the photo's fault only if the storage answered when the read was late
// already; if it does not answer, the root keeper abandons the read.
void Consumer::Impl::watch_time_outs() {
  for (const auto& work : jobs_.by_thread()) {
    if (watchdog_.worked_since(work.since) <= limit_of(work)) continue;
    if (work.stage != Stage::reading || roots_.answers_beside(work, limit_of(work) / 2)) {
      time_out(work);
    }
  }
}

// The thread is lost, so the process ends. A single photo is failed; of a batch nobody knows which
// one hangs, so it counts as a crash and each of them is tried alone (H2, H10).
void Consumer::Impl::time_out(const InWork& work) {
  const Failed failed = timed_out(work, Clock::now());
  for (const auto& job : work.jobs) {
    spdlog::error("msg=\"photo past its time-out\" image_id={} path={} why={}", job.task.image_id,
                  log_value(job.task.path), log_value(failed.detail));
    jobs_.give_up(job);
    if (work.jobs.size() > 1) {
      held_.charge(job);
      continue;
    }
    Finished finished;
    finished.result = begin_result(job);
    finished.result.outcome = failed;
    finished.job = job;
    metrics_.add_finished({&finished, 1});
    publisher_.add(std::move(finished));
    ++photos_finished_;
  }
  stop_.begin(Ending{kExitReplaceMe, hung_while(work.stage)}, kTimeoutLimit);
}

void Consumer::Impl::report(const std::string& why_not_ready) {
  const auto now = Clock::now();
  if (now < report_at_) return;
  report_at_ = now + kReportEvery;
  rate_.sample(now, photos_finished_);
  WorkerReport report = self_;
  report.roots = roots_.report();
  report.not_ready = why_not_ready;
  report.photos = photos_finished_;
  report.cpu_s = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  report.photos_per_s = rate_.per_second();
  heart_.set_report(to_json(report));
}

void Consumer::Impl::show_held() {
  metrics_.waiting.set(static_cast<std::int64_t>(runs_.waiting()));
  metrics_.in_work.set(static_cast<std::int64_t>(jobs_.size()));
  metrics_.unpublished.set(static_cast<std::int64_t>(publisher_.unpublished()));
  const bool ails = take_.ails() || feed_.ails() || publish_.ails();
  metrics_.redis_up.set(take_.connection.is_open() && !ails ? 1 : 0);
}

std::string Consumer::Impl::metrics() const {
  return metrics_.text(config_.model_name, config_.model_hash, health_.report());
}

// ---- the end

void Consumer::Impl::on_stop() {
  held_.give_back_all(true, false);
  roots_.give_unjudged_back();
}

asio::awaitable<void> Consumer::Impl::feed_until_end() {
  co_await dispatcher_.loop();
  co_await finish();
}

bool Consumer::Impl::all_done() const {
  return taker_.ended() && held_.nothing_to_move() && jobs_.only_given_up() &&
         publisher_.unpublished() == 0;
}

asio::awaitable<void> Consumer::Impl::finish() {
  while (!all_done()) {
    const bool late = Clock::now() >= stop_.deadline();
    if (Clock::now() >= stop_.deadline() + kGoodbye) break;  // leases will bring it back
    held_.give_back_all(true, late);
    roots_.give_unjudged_back();
    if (co_await feed_.reach()) {
      Status handed = co_await dispatcher_.hand_back_all();
      co_await feed_.settle(std::move(handed));
    }
    if (late && publisher_.unpublished() == 0) break;
    if (!all_done()) co_await wakes_.feed.rest(20ms);
  }
  co_await leave_runs();
  close();
}

asio::awaitable<void> Consumer::Impl::leave_runs() {
  // The heartbeat stops first: a later beat would make us look alive. If charged tasks stay in our
  // name, the mark stays, too: it says that they were in hand.
  heart_.stop();
  const std::vector<std::string> names = runs_.incarnations();
  for (const auto& incarnation : names) {
    if (!feed_.connection.is_open()) co_return;
    if (held_.has_charged(incarnation)) continue;
    const Status left = co_await feed_.queue.leave(incarnation, config_.name);
    if (!left) co_return;
  }
  if (feed_.connection.is_open()) {
    (void)co_await redis::withdraw_report(feed_.connection, config_.name);
  }
}

void Consumer::Impl::close() {
  stop_.end();
  for (Link* link : {&take_, &feed_, &publish_}) link->close();
}

void Consumer::Impl::wake_everybody() {
  wakes_.wake_all();
  for (Link* link : {&take_, &feed_, &publish_}) link->wake();
}

}  // namespace photoscribe
