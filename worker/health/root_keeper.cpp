#include "worker/health/root_keeper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/async/backoff.h"
#include "common/text/escape.h"

namespace photoscribe {

using namespace std::chrono_literals;

namespace {

constexpr BackoffSettings kDeadRoot{100ms, 30'000ms};
// Under a living root one photo in many cannot be read, and the others should not wait for long.
constexpr BackoffSettings kLivingRoot{100ms, 2'000ms};
constexpr auto kTellAgain = 60s;
constexpr auto kAnswerMayBeOlder = 300ms;  // than the patience: three rounds of the watch
constexpr int kHungReadsMax = 256;      // each is a thread that hangs; an outage takes ten or more
constexpr auto kRemoteReadMax = 15min;  // whose reads end by themselves long before

}  // namespace

FaultCounts::ImageKey key_of(const Job& job) {
  return {job.run->incarnation, job.task.image_id, job.task.attempt};
}

Failed blamed(const Faulted& item, Reason reason, int faults) {
  Failed failed;
  failed.reason = reason;
  failed.detail = item.fault.why + " (" + std::to_string(faults) + " times" +
                  (item.fault.of == FaultOf::storage ? ", under a living root)" : ")");
  return failed;
}

RootKeeper::RootKeeper(const Roots& roots, RootSettings settings,
                       boost::asio::any_io_executor executor, RootActions actions)
    : roots_(roots),
      settings_(std::move(settings)),
      actions_(std::move(actions)),
      faults_(settings_.blame),
      probes_(roots_, settings_.check, std::move(executor),
              [this](const RootProbes::Answer& answer) { on_answer(answer); }) {
  for (const auto& [name, root] : roots_) states_[name] = State();
}

// ---- what is asked of it

bool RootKeeper::is_ready(const std::string& root) const {
  const auto found = states_.find(root);
  return found == states_.end() || found->second.ready;
}

bool RootKeeper::some_ready(const std::vector<std::string>& names) const {
  return names.empty() || std::any_of(names.begin(), names.end(),
                                      [&](const std::string& name) { return is_ready(name); });
}

bool RootKeeper::none_ready() const {
  return std::none_of(states_.begin(), states_.end(),
                      [](const auto& root) { return root.second.ready; });
}

std::map<std::string, std::string> RootKeeper::report() const {
  std::map<std::string, std::string> why;
  for (const auto& [name, root] : states_) why[name] = root.ready ? "" : root.why;
  return why;
}

void RootKeeper::was_read(const std::string& root) {
  const auto found = states_.find(root);
  if (found == states_.end()) return;
  ++found->second.photos_read;
  if (found->second.ready) found->second.failures = 0;
}

// ---- faults

void RootKeeper::on_fault(Faulted item) {
  const auto found = states_.find(item.job.task.root);
  if (found == states_.end() || found->second.silent) {  // of a silent one no answer may ever come
    actions_.give_back(item.job);
    return;
  }
  const std::string why = item.fault.why;
  found->second.unjudged.push_back(std::move(item));
  if (found->second.ready) rest(found->first, why);
  probes_.ask(found->first);
}

void RootKeeper::give_unjudged_back() {
  for (auto& [name, root] : states_) give_unjudged_back(root);
}

void RootKeeper::give_unjudged_back(State& root) {
  for (const Faulted& item : std::exchange(root.unjudged, {})) actions_.give_back(item.job);
}

void RootKeeper::on_answer(const RootProbes::Answer& answer) {
  if (answer.alive) {
    on_alive(answer.root, answer.asked);
  } else {
    on_dead(answer.root, answer.alive.error().message);
  }
}

void RootKeeper::on_alive(const std::string& name, Clock::time_point asked) {
  State& root = states_.at(name);
  root.alive_at = asked;
  root.dead = false;
  if (std::exchange(root.silent, false)) root.retry_at = Clock::now();
  for (Faulted& item : std::exchange(root.unjudged, {})) {
    if (faults_.add(key_of(item.job), Clock::now(), root.photos_read)) {
      Failed failed = blamed(item, item.fault.reason, faults_.faults(key_of(item.job)));
      actions_.fail(std::move(item.job), std::move(failed));
    } else {
      actions_.give_back(item.job);
    }
  }
  if (!root.ready && Clock::now() >= root.retry_at) make_ready(name);
}

void RootKeeper::on_dead(const std::string& name, const std::string& why) {
  State& root = states_.at(name);
  give_unjudged_back(root);
  const bool news = root.ready || root.why != why;
  root.ready = root.silent = false;
  root.dead = true;
  root.why = why;
  root.retry_at = Clock::now() + jittered_backoff(++root.failures, kDeadRoot);
  if (news || Clock::now() >= root.tell_at) {
    spdlog::warn("msg=\"root is not there: not taking its photos\" root={} error={}",
                 log_value(name), log_value(why));
    root.tell_at = Clock::now() + kTellAgain;
  }
  actions_.lost(name);
}

void RootKeeper::rest(const std::string& name, const std::string& why) {
  State& root = states_.at(name);
  const auto wait = jittered_backoff(++root.failures, kLivingRoot);
  root.ready = false;
  root.why = why;
  root.retry_at = Clock::now() + wait;
  spdlog::warn("msg=\"handing this root's tasks back\" root={} error={} retry_ms={}",
               log_value(name), log_value(why), wait.count());
  actions_.lost(name);
}

void RootKeeper::make_ready(const std::string& name) {
  State& root = states_.at(name);
  spdlog::info("msg=\"root is ready again\" root={} was={}", log_value(name), log_value(root.why));
  root.ready = true;
  root.why.clear();
  actions_.regained();
}

// ---- the watch over them

void RootKeeper::watch(JobsInWork& jobs, const WorkedSince& worked_since) {
  const auto now = Clock::now();
  for (auto& [name, root] : states_) {
    const auto asked = probes_.asked(name);
    if (asked && !root.silent && worked_since(*asked) > settings_.answer_limit) fall_silent(name);
    if (!asked && !root.ready && now >= root.retry_at) probes_.ask(name);
    if (root.silent) leave_readers_behind(jobs, name, {}, worked_since);
    // A check that fails at once (unmounted lazily, another device) says nothing to reads that
    // hang.
    if (!root.ready && root.dead)
      leave_readers_behind(jobs, name, settings_.read_patience, worked_since);
    if (root.silent && now >= root.tell_at) {
      spdlog::warn("msg=\"root still does not answer\" root={}", log_value(name));
      root.tell_at = now + kTellAgain;
    }
  }
  for (const InWork& work : jobs.by_thread()) {
    if (work.stage != Stage::reading || ends_by_itself(work)) continue;
    const auto root = states_.find(work.jobs.front().task.root);
    if (root == states_.end() || worked_since(work.since) < settings_.read_patience) continue;
    if (root->second.alive_at + settings_.read_patience < now) probes_.ask(root->first);
  }
}

bool RootKeeper::ends_by_itself(const InWork& reading) const {
  const auto root = roots_.find(reading.jobs.front().task.root);
  return root != roots_.end() && root->second.remote() != nullptr &&
         Clock::now() - reading.since < kRemoteReadMax;
}

void RootKeeper::fall_silent(const std::string& name) {
  State& root = states_.at(name);
  root.silent = true;
  root.ready = false;
  root.why = "the storage does not answer";
  root.tell_at = Clock::now() + kTellAgain;
  spdlog::warn(
      "msg=\"root does not answer: not taking its photos\" root={} folder={} cure={}",
      log_value(name), log_value(roots_.at(name).folder()),
      log_value("see whether its server can be reached; the worker goes on by itself when it is"));
  give_unjudged_back(root);
  actions_.lost(name);
}

// Their threads hang in the kernel; others take their places, so that other roots go on.
void RootKeeper::leave_readers_behind(JobsInWork& jobs, const std::string& name,
                                      Clock::duration older_than, const WorkedSince& worked_since) {
  for (const InWork& work : jobs.by_thread()) {
    if (work.stage != Stage::reading || work.jobs.front().task.root != name) continue;
    if (ends_by_itself(work) || worked_since(work.since) < older_than) continue;
    if (!jobs.leave_behind(work)) continue;
    actions_.give_back(work.jobs.front());
    if (++hung_reads_ == kHungReadsMax) {
      actions_.too_many_hang("too many reads hang; the last under root " + name);
    }
  }
}

bool RootKeeper::answers_beside(const InWork& reading, Clock::duration late_after) {
  const auto root = states_.find(reading.jobs.front().task.root);
  if (root == states_.end()) return true;
  if (ends_by_itself(reading)) return false;
  const auto answered = root->second.alive_at;
  const auto late = std::min<Clock::duration>(settings_.read_patience, late_after);
  const bool recent = Clock::now() - settings_.read_patience - kAnswerMayBeOlder <= answered;
  if (recent && answered >= reading.since + late) return true;
  probes_.ask(root->first);
  return false;
}

}  // namespace photoscribe
