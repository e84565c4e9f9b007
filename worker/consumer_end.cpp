// How a worker ends: a stop that hands everything back, a photo past its time-out, a lost device.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "worker/consumer.h"
#include "worker/log.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using State = Holdings::State;

namespace {

constexpr auto kWatchEvery = 100ms;
constexpr auto kTimeoutLimit = 5'000ms;  // the other photos in work may finish so long
constexpr auto kStall = 1'000ms;
constexpr std::size_t kStallsRemembered = 1'000;
constexpr std::size_t kSharesMax = 16;
constexpr auto kProbeLimit = 2'000ms;
constexpr auto kGoodbye = 500ms;  // past the limit, for the last hand-back

using Clock = std::chrono::steady_clock;

/// The whole process stood still (SIGSTOP, a frozen machine): no photo's fault.
struct Stall {
  Clock::time_point until;
  Clock::duration length;
};

Clock::duration stalled_since(Clock::time_point since, const std::vector<Stall>& stalls) {
  Clock::duration sum{};
  for (const auto& stall : stalls) {
    if (stall.until > since) sum += std::min(stall.length, stall.until - since);
  }
  return sum;
}

/// A batch has its photos' time-outs together: on a machine with far more to do than cores, the
/// network's threads wait for each other at every layer (measured: 16 photos in more than 60 s at
/// a load of 20 on two cores).
Clock::duration limit_of(const InWork& work) {
  const std::chrono::seconds one(work.jobs.front().run->spec.limits.image_timeout_s);
  return one * static_cast<int>(std::min(work.jobs.size(), kSharesMax));
}

}  // namespace

asio::awaitable<void> Consumer::watch_loop() {
  std::vector<Stall> stalls;
  auto last = Clock::now();
  while (!ended_) {
    co_await wake_watch_.sleep(kWatchEvery);
    const auto late = Clock::now() - last - kWatchEvery;
    last = Clock::now();
    if (late > kStall) stalls.push_back(Stall{last, late});
    if (stalls.size() > kStallsRemembered) stalls.erase(stalls.begin());
    // The server itself may hang: its silence must not hold up the end for ever.
    if (drain_ && !ended_ && Clock::now() >= drain_->deadline + 2 * kGoodbye) end();
    if (ended_ || (drain_ && drain_->ending.code == kExitReplaceMe)) continue;
    for (const auto& work : pipeline_->in_work()) {
      const auto worked = Clock::now() - work.since - stalled_since(work.since, stalls);
      if (worked > limit_of(work)) overdue(work);
    }
  }
}

// A read that hangs is the photo's fault only if the storage answers otherwise.
void Consumer::overdue(const InWork& work) {
  const auto root = roots_.find(work.jobs.front().task.root);
  if (work.stage != Stage::reading || root == roots_.end()) {
    time_out(work);
    return;
  }
  if (!probe_) {
    probe_ = Probe{std::make_shared<std::atomic<bool>>(false), Clock::now()};
    std::thread([answered = probe_->answered, root = root->second] {
      (void)root.check();
      *answered = true;
    }).detach();
  } else if (*probe_->answered) {
    time_out(work);
  } else if (Clock::now() - probe_->since > kProbeLimit) {
    storage_hangs(work);
  }
}

void Consumer::storage_hangs(const InWork& work) {
  const Job& job = work.jobs.front();
  if (drain_) return;
  spdlog::error("msg=\"storage does not answer\" root={} path={}", log_value(job.task.root),
                log_value(job.task.path));
  ++abandoned_;
  if (JoinedRun* run = find(job.run->incarnation)) give_back(*run, {job.entry});
  begin_drain(kExitReplaceMe, "the storage behind root " + job.task.root + " does not answer",
              kTimeoutLimit);
}

// The thread is lost, so the process ends. A single photo is failed; of a batch nobody knows which
// one hangs, so it counts as a crash and each of them is tried alone (H2, H10).
void Consumer::time_out(const InWork& work) {
  const bool decoding = work.stage == Stage::decoding;
  const char* stage = work.stage == Stage::reading ? "reading"
                      : decoding                   ? "decoding"
                                                   : "captioning";
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - work.since).count();
  for (const auto& job : work.jobs) {
    spdlog::error("msg=\"photo past its time-out\" stage={} image_id={} path={} seconds={}", stage,
                  job.task.image_id, log_value(job.task.path), seconds);
    ++abandoned_;
    if (work.jobs.size() > 1) {
      charged_.emplace(job.run->incarnation, job.entry);
      continue;
    }
    Finished finished;
    finished.job = job;
    finished.result.image_id = job.task.image_id;
    finished.result.attempt = job.task.attempt;
    finished.result.finished_unix_ms = std::chrono::duration_cast<milliseconds>(
                                           std::chrono::system_clock::now().time_since_epoch())
                                           .count();
    finished.result.outcome = Failed{
        Reason::timeout, std::string(stage) + " took more than " + std::to_string(seconds) + " s",
        std::nullopt};
    ++in_pipeline_;  // on_finished takes it off; the thread still has it
    std::vector<Finished> one;
    one.push_back(std::move(finished));
    on_finished(std::move(one));
  }
  begin_drain(kExitReplaceMe, std::string("a photo hung while ") + stage, kTimeoutLimit);
}

void Consumer::begin_drain(int code, const std::string& why, milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  if (drain_) {
    drain_->deadline = std::min(drain_->deadline, deadline);
    if (drain_->ending.code == kExitStopped) drain_->ending = Ending{code, why};
  } else {
    spdlog::info("msg=\"stopping\" exit={} why={}", code, log_value(why));
    drain_ = Drain{deadline, Ending{code, why}};
    take_everything_back(false);
  }
  for (Wake* wake : {&wake_take_, &wake_feed_, &wake_publish_, &wake_watch_}) wake->notify();
  for (Link* link : {&take_, &feed_, &publish_}) link->pause.notify();
}

void Consumer::take_everything_back(bool in_network_too) {
  const auto all = [](const Job&) { return true; };
  const auto jobs = drain_ ? pipeline_->drain() : pipeline_->take_back(all);
  in_pipeline_ -= jobs.size();
  for (const auto& job : jobs) {
    if (JoinedRun* run = find(job.run->incarnation)) give_back(*run, {job.entry});
  }
  for (auto& [incarnation, run] : runs_) {
    give_back(run, run.held.ids(State::waiting));
    if (!in_network_too) continue;
    for (const auto id : run.held.ids(State::in_hand)) {
      if (!charged_.contains({incarnation, id})) give_back(run, {id});
    }
  }
}

bool Consumer::all_done() const {
  const bool empty = std::all_of(runs_.begin(), runs_.end(), [](const auto& each) {
    const Holdings& held = each.second.held;
    return held.count(State::waiting) == 0 && held.count(State::returning) == 0;
  });
  return take_ended_ && empty && in_pipeline_ <= abandoned_ && done_.empty() && publishing_.empty();
}

asio::awaitable<void> Consumer::finish_drain() {
  while (!all_done()) {
    const bool late = Clock::now() >= drain_->deadline;
    if (Clock::now() >= drain_->deadline + kGoodbye) break;  // leases will bring it back
    take_everything_back(late);
    if (co_await reach(feed_)) {
      const Status handed = co_await hand_back_all();
      if (!handed) co_await trouble(feed_, handed.error());
    }
    if (late && done_.empty() && publishing_.empty()) break;
    if (!all_done()) co_await wake_feed_.sleep(20ms);
  }
  co_await leave_runs();
  end();
}

asio::awaitable<void> Consumer::leave_runs() {
  // The heart stops first: a later beat would make it look as if we were still there. Where charged
  // tasks stay in our name the mark stays too: it says that they were in hand.
  heart_->stop();
  const std::vector<std::string> names = joined();
  for (const auto& incarnation : names) {
    if (!feed_.connection.is_open()) co_return;
    const bool keeps_charged =
        std::any_of(charged_.begin(), charged_.end(),
                    [&](const auto& entry) { return entry.first == incarnation; });
    if (keeps_charged) continue;
    const Status left = co_await feed_.queue.leave(incarnation, config_.name);
    if (!left) co_return;
  }
}

void Consumer::end() {
  ended_ = true;
  for (Link* link : {&take_, &feed_, &publish_}) {
    link->connection.close();
    link->pause.notify();
  }
  for (Wake* wake : {&wake_take_, &wake_feed_, &wake_publish_, &wake_watch_}) wake->notify();
}

}  // namespace photoscribe
