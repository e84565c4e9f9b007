// What a worker does about faults that are not a photo's: of the storage behind one root, and of
// the machine (design.md 6). A root that does not answer stops the work of that root and of no
// other.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/redis/errors.h"
#include "common/redis/identity.h"
#include "worker/consumer.h"
#include "worker/log.h"

namespace photoscribe {

using namespace std::chrono_literals;
using State = Holdings::State;

namespace {

constexpr redis::BackoffSettings kDeadRoot{100ms, 30'000ms};
// Under a living root one photo in many cannot be read, and the others should not wait for long.
constexpr redis::BackoffSettings kLivingRoot{100ms, 2'000ms};
constexpr redis::BackoffSettings kMachine{100ms, 30'000ms};
constexpr redis::BackoffSettings kNothingUsable{250ms, 1'000ms};
constexpr auto kTellAgain = 60s;
constexpr int kHungReadsMax = 64;  // each is a thread that hangs

double unit_random() { return static_cast<double>(redis::random_u64() >> 11) * 0x1.0p-53; }

}  // namespace

bool Consumer::is_ready(const std::string& root) const {
  const auto found = roots_state_.find(root);
  return found == roots_state_.end() || found->second.ready;
}

bool Consumer::some_root_ready(const JoinedRun& run) const {
  const auto& names = run.context->spec.roots;
  return names.empty() || std::any_of(names.begin(), names.end(),
                                      [&](const std::string& name) { return is_ready(name); });
}

bool Consumer::may_read(const JoinedRun& run) const {
  return some_root_ready(run) && Clock::now() >= run.rest_until;
}

// ---- faults

void Consumer::on_faulted(Faulted item) {
  const auto found = roots_state_.find(item.job.task.root);
  if (drain_ || found == roots_state_.end()) {
    --in_pipeline_;
    return_task(item.job);
    return;
  }
  if (item.fault.of != FaultOf::storage) {
    on_machine_fault(std::move(item));
    return;
  }
  if (found->second.silent) {  // its answer may never come
    --in_pipeline_;
    return_task(item.job);
    return;
  }
  // Whether the photo is to be charged with it, the root's answer says.
  const std::string why = item.fault.why;
  found->second.unjudged.push_back(std::move(item));
  if (found->second.ready) rest_root(found->first, why);
  probes_->ask(found->first);
}

void Consumer::on_machine_fault(Faulted item) {
  const std::string why = item.fault.why;
  const bool photo_wants_too_much =
      item.fault.of == FaultOf::memory &&
      memory_faults_.add(key_of(item.job), Clock::now(), photos_read_);
  if (photo_wants_too_much) {
    blame(std::move(item), Reason::too_large, memory_faults_);
  } else {
    --in_pipeline_;
    return_task(item.job);
  }
  if (!unready()) {
    unready_why_ = why;
    const auto wait = redis::backoff(++machine_failures_, unit_random(), kMachine);
    unready_until_ = Clock::now() + wait;
    spdlog::warn("msg=\"unready: handing tasks back\" error={} retry_ms={}", log_value(why),
                 wait.count());
    take_everything_back(false);
  }
  wake_feed_.notify();
}

void Consumer::note_ready() {
  if (unready_why_.empty() || unready()) return;
  spdlog::info("msg=\"ready again\" was={}", log_value(unready_why_));
  unready_why_.clear();
  wake_feed_.notify();
}

void Consumer::return_task(const Job& job) {
  JoinedRun* run = find(job.run->incarnation);
  if (run != nullptr && run->held.is(job.entry, State::in_hand)) give_back(*run, {job.entry});
  wake_feed_.notify();
}

void Consumer::blame(Faulted item, Reason reason, const FaultCounts& counts) {
  const int faults = counts.faults(key_of(item.job));
  Failed failed;
  failed.reason = reason;
  failed.detail = item.fault.why + " (" + std::to_string(faults) + " times" +
                  (reason == Reason::unreadable ? ", under a living root)" : ")");
  finish_failed(std::move(item.job), std::move(failed));
}

// ---- roots

void Consumer::rest_root(const std::string& name, const std::string& why) {
  RootState& root = roots_state_.at(name);
  const auto wait = redis::backoff(++root.failures, unit_random(), kLivingRoot);
  root.ready = false;
  root.why = why;
  root.retry_at = Clock::now() + wait;
  spdlog::warn("msg=\"handing this root's tasks back\" root={} error={} retry_ms={}",
               log_value(name), log_value(why), wait.count());
  take_root_back(name);
}

void Consumer::on_root_answer(const RootProbes::Answer& answer) {
  RootState& root = roots_state_.at(answer.root);
  std::vector<Faulted> unjudged = std::exchange(root.unjudged, {});
  if (answer.alive) {
    root.alive_at = answer.asked;
    root.dead = false;
    if (std::exchange(root.silent, false)) root.retry_at = Clock::now();
    for (Faulted& item : unjudged) {
      if (storage_faults_.add(key_of(item.job), Clock::now(), root.photos_read)) {
        blame(std::move(item), Reason::unreadable, storage_faults_);
      } else {
        --in_pipeline_;
        return_task(item.job);
      }
    }
    if (!root.ready && Clock::now() >= root.retry_at) make_ready(answer.root);
    return;
  }
  for (const Faulted& item : unjudged) {
    --in_pipeline_;
    return_task(item.job);
  }
  const std::string& why = answer.alive.error().message;
  const bool news = root.ready || root.why != why;
  const auto wait = redis::backoff(++root.failures, unit_random(), kDeadRoot);
  root.ready = root.silent = false;
  root.dead = true;
  root.why = why;
  root.retry_at = Clock::now() + wait;
  if (news || Clock::now() >= root.tell_at) {
    spdlog::warn("msg=\"root is not there: not taking its photos\" root={} error={}",
                 log_value(answer.root), log_value(why));
    root.tell_at = Clock::now() + kTellAgain;
  }
  take_root_back(answer.root);
}

void Consumer::make_ready(const std::string& name) {
  RootState& root = roots_state_.at(name);
  spdlog::info("msg=\"root is ready again\" root={} was={}", log_value(name), log_value(root.why));
  root.ready = true;
  root.why.clear();
  for (auto& [incarnation, run] : runs_) {
    run.rest_until = Clock::time_point();
    run.fruitless_reads = 0;
  }
  wake_take_.notify();
  wake_feed_.notify();
}

void Consumer::take_root_back(const std::string& name) {
  const auto taken = pipeline_->take_back([&](const Job& job) { return job.task.root == name; });
  in_pipeline_ -= taken.size();
  for (const Job& job : taken) return_task(job);
  for (auto& [incarnation, run] : runs_) give_back_unready(run);
}

std::size_t Consumer::give_back_unready(JoinedRun& run) {
  std::vector<redis::EntryId> unwanted;
  for (const auto id : run.held.ids(State::waiting)) {
    if (!is_ready(run.held.find(id)->task.root)) unwanted.push_back(id);
  }
  give_back(run, unwanted);
  return unwanted.size();
}

void Consumer::rest_from_reading(JoinedRun& run, std::size_t read, std::size_t given_back) {
  if (read == 0) return;
  if (given_back < read) {
    run.fruitless_reads = 0;
    return;
  }
  const auto wait = redis::backoff(++run.fruitless_reads, unit_random(), kNothingUsable);
  run.rest_until = Clock::now() + wait;
}

// ---- the watch over them

void Consumer::watch_roots() {
  const auto now = Clock::now();
  for (auto& [name, root] : roots_state_) {
    const auto asked = probes_->asked(name);
    if (asked && !root.silent && worked_since(*asked) > config_.roots.answer_limit) {
      fall_silent(name);
    }
    if (!asked && !root.ready && now >= root.retry_at) probes_->ask(name);
    if (root.silent) leave_readers_behind(name, {});
    // A check that fails at once (unmounted lazily, another device) says nothing to reads that
    // hang.
    if (!root.ready && root.dead) leave_readers_behind(name, config_.roots.read_patience);
    if (root.silent && now >= root.tell_at) {
      spdlog::warn("msg=\"root still does not answer\" root={}", log_value(name));
      root.tell_at = now + kTellAgain;
    }
  }
  for (const InWork& work : pipeline_->in_work()) {
    if (work.stage != Stage::reading) continue;
    const auto root = roots_state_.find(work.jobs.front().task.root);
    if (root == roots_state_.end() || worked_since(work.since) < config_.roots.read_patience) {
      continue;
    }
    if (root->second.alive_at + config_.roots.read_patience < now) probes_->ask(root->first);
  }
}

void Consumer::fall_silent(const std::string& name) {
  RootState& root = roots_state_.at(name);
  root.silent = true;
  root.ready = false;
  root.why = "the storage does not answer";
  root.tell_at = Clock::now() + kTellAgain;
  spdlog::warn(
      "msg=\"root does not answer: not taking its photos\" root={} folder={} cure={}",
      log_value(name), log_value(roots_.at(name).folder()),
      log_value("see whether its server can be reached; the worker goes on by itself when it is"));
  for (const Faulted& item : std::exchange(root.unjudged, {})) {
    --in_pipeline_;
    return_task(item.job);
  }
  take_root_back(name);
}

// Their threads hang in the kernel; others take their places, so that other roots go on.
void Consumer::leave_readers_behind(const std::string& name, Clock::duration older_than) {
  for (const InWork& work : pipeline_->in_work()) {
    if (work.stage != Stage::reading || work.jobs.front().task.root != name) continue;
    if (worked_since(work.since) < older_than) continue;
    if (!pipeline_->leave_behind(work)) continue;
    --in_pipeline_;
    return_task(work.jobs.front());
    if (++hung_reads_ == kHungReadsMax) {
      begin_drain(kExitReplaceMe, "too many reads hang; the last under root " + name, 5'000ms);
    }
  }
}

}  // namespace photoscribe
