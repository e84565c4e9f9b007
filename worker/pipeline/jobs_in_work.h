// jobs_in_work: the jobs that were submitted to the pipeline and have not ended; the one owner of
// their number.
//
// Each job gets a ticket when it is submitted and loses it once, however it ends: finished, taken
// back, given up. So the number is right even if a job comes out twice or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "worker/pipeline/pipeline.h"

namespace photoscribe {

class JobsInWork {
 public:
  explicit JobsInWork(Pipeline& pipeline) : pipeline_(pipeline) {}

  void submit(std::vector<Job> jobs);
  /// The job has ended.
  void ended(const Job& job) { tickets_.erase(job.ticket); }
  /// The thread that has it is lost; it comes out late or never.
  void give_up(const Job& job);

  /// Takes out what no thread has started, as Pipeline::take_back and drain; those jobs have ended.
  [[nodiscard]] std::vector<Job> take_back(const std::function<bool(const Job&)>& wanted);
  [[nodiscard]] std::vector<Job> drain();
  /// As Pipeline::leave_behind; when true the job has ended.
  [[nodiscard]] bool leave_behind(const InWork& reading);

  [[nodiscard]] std::size_t size() const { return tickets_.size(); }
  [[nodiscard]] bool empty() const { return tickets_.empty(); }
  /// Nothing is left that is still expected.
  [[nodiscard]] bool only_given_up() const;
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] std::size_t jobs_max() const { return pipeline_.jobs_max(); }
  /// What every busy thread is working on.
  [[nodiscard]] std::vector<InWork> by_thread() const { return pipeline_.in_work(); }

 private:
  [[nodiscard]] std::vector<Job> end_all(std::vector<Job> jobs);

  Pipeline& pipeline_;
  std::uint64_t last_ticket_ = 0;
  std::map<std::uint64_t, bool> tickets_;  // whether it was given up
};

}  // namespace photoscribe
