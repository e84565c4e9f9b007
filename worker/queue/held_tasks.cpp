#include "worker/queue/held_tasks.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/text/escape.h"

namespace photoscribe {

using State = Holdings::State;

void HeldTasks::submit(JoinedRun& run, const std::vector<redis::EntryId>& ids) {
  std::vector<Job> jobs;
  jobs.reserve(ids.size());
  for (const auto id : ids) {
    Job job;
    job.run = run.context;
    job.entry = id;
    job.task = run.held.find(id)->task;
    jobs.push_back(std::move(job));
  }
  jobs_.submit(std::move(jobs));
}

void HeldTasks::give_back(JoinedRun& run, const std::vector<redis::EntryId>& ids) {
  if (ids.empty()) return;
  run.held.move(ids, State::returning);
  wakes_.feed.wake();
}

void HeldTasks::give_back(const Job& job) {
  JoinedRun* run = runs_.find(job.run->incarnation);
  if (run != nullptr && run->held.is(job.entry, State::in_hand)) give_back(*run, {job.entry});
  wakes_.feed.wake();
}

void HeldTasks::drop(JoinedRun& run, const std::vector<redis::EntryId>& lost) {
  std::vector<redis::EntryId> gone;
  for (const auto id : lost) {
    if (run.held.find(id) != nullptr && !run.held.is(id, State::done)) gone.push_back(id);
  }
  if (gone.empty()) return;
  spdlog::info("msg=\"tasks are no longer ours, dropping them\" run={} tasks={}",
               log_value(run.context->spec.run), gone.size());
  run.held.remove(gone);
  const std::set<redis::EntryId> ids(gone.begin(), gone.end());
  (void)jobs_.take_back([&](const Job& job) {
    return job.run->incarnation == run.context->incarnation && ids.contains(job.entry);
  });
  wakes_.feed.wake();
}

void HeldTasks::drop_run(const std::string& incarnation, const std::string& why) {
  const JoinedRun* run = runs_.find(incarnation);
  if (run == nullptr) return;
  spdlog::info("msg=\"left run\" run={} incarnation={} tasks_dropped={} why={}",
               log_value(run->context->spec.run), incarnation, run->held.ids().size(),
               log_value(why));
  (void)jobs_.take_back([&](const Job& job) { return job.run->incarnation == incarnation; });
  runs_.leave(incarnation, JoinedRuns::Clock::now());
  wakes_.take.wake();
  wakes_.feed.wake();
}

void HeldTasks::give_back_where(const std::function<bool(const Task&)>& unwanted) {
  const std::vector<Job> taken =
      jobs_.take_back([&](const Job& job) { return unwanted(job.task); });
  for (const Job& job : taken) give_back(job);
  for (auto& [incarnation, run] : runs_) {
    std::vector<redis::EntryId> ids;
    for (const auto id : run.held.ids(State::waiting)) {
      if (unwanted(run.held.find(id)->task)) ids.push_back(id);
    }
    give_back(run, ids);
  }
}

void HeldTasks::give_back_all(bool draining, bool begun) {
  const std::vector<Job> taken =
      draining ? jobs_.drain() : jobs_.take_back([](const Job&) { return true; });
  for (const Job& job : taken) give_back(job);
  for (auto& [incarnation, run] : runs_) {
    give_back(run, run.held.ids(State::waiting));
    if (!begun) continue;
    for (const auto id : run.held.ids(State::in_hand)) {
      if (!charged_.contains({incarnation, id})) give_back(run, {id});
    }
  }
}

void HeldTasks::charge(const Job& job) { charged_.emplace(job.run->incarnation, job.entry); }

bool HeldTasks::has_charged(const std::string& incarnation) const {
  return std::any_of(charged_.begin(), charged_.end(),
                     [&](const auto& entry) { return entry.first == incarnation; });
}

bool HeldTasks::nothing_to_move() const {
  return std::all_of(runs_.begin(), runs_.end(), [](const auto& each) {
    const Holdings& held = each.second.held;
    return held.count(State::waiting) == 0 && held.count(State::returning) == 0;
  });
}

}  // namespace photoscribe
