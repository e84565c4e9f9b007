// How a worker ends: a stop that hands everything back, a photo past its time-out, a lost device.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "common/redis/fleet.h"
#include "worker/consumer.h"
#include "worker/log.h"
#include "worker/resident_memory.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using State = Holdings::State;

namespace {

constexpr auto kWatchEvery = 100ms;
constexpr auto kTimeoutLimit = 5'000ms;  // the other photos in work may finish so long
constexpr auto kStall = 1'000ms;
constexpr auto kReplaceLimit = 30'000ms;  // for what is in work to finish
constexpr std::size_t kStallsRemembered = 1'000;
constexpr std::size_t kSharesMax = 16;
constexpr auto kGoodbye = 500ms;  // past the limit, for the last hand-back

using Clock = std::chrono::steady_clock;

/// A batch has its photos' time-outs together: on a machine with far more to do than cores, the
/// network's threads wait for each other at every layer (measured: 16 photos in more than 60 s at
/// a load of 20 on two cores).
Clock::duration limit_of(const InWork& work) {
  const std::chrono::seconds one(work.jobs.front().run->spec.limits.image_timeout_s);
  return one * static_cast<int>(std::min(work.jobs.size(), kSharesMax));
}

}  // namespace

asio::awaitable<void> Consumer::watch_loop() {
  auto last = Clock::now();
  while (!ended_) {
    co_await wake_watch_.sleep(kWatchEvery);
    const auto late = Clock::now() - last - kWatchEvery;
    last = Clock::now();
    if (late > kStall) stalls_.push_back(Stall{last, late});
    if (stalls_.size() > kStallsRemembered) stalls_.erase(stalls_.begin());
    // The server itself may hang: its silence must not hold up the end for ever.
    if (drain_ && !ended_ && Clock::now() >= drain_->deadline + 2 * kGoodbye) end();
    if (ended_) break;
    watch_roots();
    watch_memory();
    std::string why = why_not_ready();
    watch_standstill(why);
    report(why);
    health_.tick(Clock::now(), std::move(why));
    if (drain_ && drain_->ending.code == kExitReplaceMe) continue;
    for (const auto& work : pipeline_->in_work()) {
      if (worked_since(work.since) > limit_of(work)) overdue(work);
    }
  }
}

std::string Consumer::why_not_ready() const {
  if (drain_) return "stopping";
  for (const Link* link : {&take_, &feed_, &publish_})
    if (link->failures > 0) return "Redis does not answer";
  if (unready()) return unready_why_;
  const auto root_ready = [](const auto& root) { return root.second.ready; };
  if (std::none_of(roots_state_.begin(), roots_state_.end(), root_ready))
    return "none of its roots can be read";
  return {};
}

void Consumer::watch_standstill(std::string& why) {
  const std::size_t held = waiting() + in_pipeline_ + done_.size() + publishing_.size();
  const auto still = standstill_.still(held, !why.empty(), Clock::now());
  if (still <= config_.standstill_leases * lease()) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(still).count();
  why = "holds " + std::to_string(held) + " tasks and has finished none for " +
        std::to_string(seconds) + " s";
  if (in_pipeline_ == 0 && still > config_.standstill_limit)
    begin_drain(kExitReplaceMe, why, kReplaceLimit);
}

/// A library that leaks, or an allocator that keeps what a few huge photos needed: a fresh process
/// has its memory back, and a clean end charges no photo.
void Consumer::watch_memory() {
  if (config_.memory_max_bytes == 0 || drain_) return;
  const std::int64_t held = resident_bytes();
  if (held <= config_.memory_max_bytes) return;
  const std::string sizes = std::to_string(held >> 20) + " MiB of memory, more than --memory-max " +
                            std::to_string(config_.memory_max_bytes >> 20) + " MiB";
  if (photos_read_ == 0) {
    begin_drain(kExitEnvironment, "holds " + sizes + ", before its first photo: allow it more",
                kReplaceLimit);
  } else {
    begin_drain(kExitReplaceMe, "holds " + sizes, kReplaceLimit);
  }
}

Consumer::Clock::duration Consumer::worked_since(Clock::time_point since) const {
  Clock::duration worked = Clock::now() - since;
  for (const auto& stall : stalls_) {
    if (stall.until > since) worked -= std::min(stall.length, stall.until - since);
  }
  return worked;
}

// A read that hangs is the photo's fault only if the storage answered when the read was late
// already; if it does not answer, watch_roots() gives the read up.
void Consumer::overdue(const InWork& work) {
  const auto root = roots_state_.find(work.jobs.front().task.root);
  if (work.stage != Stage::reading || root == roots_state_.end()) {
    time_out(work);
    return;
  }
  const auto late = std::min<Clock::duration>(config_.roots.read_patience, limit_of(work) / 2);
  const auto answered = root->second.alive_at;
  const bool fresh = Clock::now() - config_.roots.read_patience - 3 * kWatchEvery <= answered;
  if (fresh && answered >= work.since + late) {
    time_out(work);
  } else {
    probes_->ask(root->first);
  }
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
    Failed failed;
    failed.reason = Reason::timeout;
    failed.detail = std::string(stage) + " took more than " + std::to_string(seconds) + " s";
    ++in_pipeline_;  // on_finished takes it off; the thread still has it
    finish_failed(job, std::move(failed));
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
  for (auto& [name, root] : roots_state_) {
    for (const Faulted& item : std::exchange(root.unjudged, {})) {
      --in_pipeline_;
      return_task(item.job);
    }
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
  if (feed_.connection.is_open()) {
    (void)co_await redis::withdraw_report(feed_.connection, config_.name);
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
