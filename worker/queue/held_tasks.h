// held_tasks: the tasks in this worker's name, on their way from the queue into the pipeline and
// back: what starts, what is no longer ours, what is handed back.
//
// It moves them between the holdings of their run and the pipeline, so that both always agree. It
// sends nothing to Redis: the dispatcher hands back what is marked as returning.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "worker/pipeline/jobs_in_work.h"
#include "worker/queue/joined_runs.h"
#include "worker/queue/wakes.h"

namespace photoscribe {

class HeldTasks {
 public:
  HeldTasks(JoinedRuns& runs, JobsInWork& jobs, Wakes& wakes)
      : runs_(runs), jobs_(jobs), wakes_(wakes) {}

  /// Gives tasks that are marked in hand to the pipeline.
  void submit(JoinedRun& run, const std::vector<redis::EntryId>& ids);
  /// They go back to the queue, uncharged.
  void give_back(JoinedRun& run, const std::vector<redis::EntryId>& ids);
  /// The same of a job that has come out, where its task is still in hand.
  void give_back(const Job& job);
  /// They are in another worker's name. A finished result is published anyway (protocol.md Q12).
  void drop(JoinedRun& run, const std::vector<redis::EntryId>& lost);
  /// Everything of a run that is gone.
  void drop_run(const std::string& incarnation, const std::string& why);

  /// Hands back jobs and waiting tasks that are `unwanted` and that no thread has started.
  void give_back_where(const std::function<bool(const Task&)>& unwanted);
  /// Everything that is not in work; with `begun` also what is in work, except charged tasks. With
  /// `draining` the pipeline starts nothing more.
  void give_back_all(bool draining, bool begun);

  /// Stays in our name, and counts as a crash: its photo may be why a device or a thread was lost.
  void charge(const Job& job);
  [[nodiscard]] bool has_charged(const std::string& incarnation) const;

  /// No task is left to start or to hand back.
  [[nodiscard]] bool nothing_to_move() const;

 private:
  JoinedRuns& runs_;
  JobsInWork& jobs_;
  Wakes& wakes_;
  std::set<std::pair<std::string, redis::EntryId>> charged_;
};

}  // namespace photoscribe
