#include "worker/pipeline/jobs_in_work.h"

#include <algorithm>
#include <utility>

namespace photoscribe {

void JobsInWork::submit(std::vector<Job> jobs) {
  for (Job& job : jobs) {
    job.ticket = ++last_ticket_;
    tickets_.emplace(job.ticket, false);
  }
  pipeline_.submit(std::move(jobs));
}

void JobsInWork::give_up(const Job& job) {
  if (const auto found = tickets_.find(job.ticket); found != tickets_.end()) found->second = true;
}

std::vector<Job> JobsInWork::take_back(const std::function<bool(const Job&)>& wanted) {
  return end_all(pipeline_.take_back(wanted));
}

std::vector<Job> JobsInWork::drain() { return end_all(pipeline_.drain()); }

std::vector<Job> JobsInWork::end_all(std::vector<Job> jobs) {
  for (const Job& job : jobs) ended(job);
  return jobs;
}

bool JobsInWork::leave_behind(const InWork& reading) {
  if (!pipeline_.leave_behind(reading)) return false;
  ended(reading.jobs.front());
  return true;
}

bool JobsInWork::only_given_up() const {
  return std::all_of(tickets_.begin(), tickets_.end(),
                     [](const auto& ticket) { return ticket.second; });
}

std::size_t JobsInWork::room() const { return jobs_max() - std::min(jobs_max(), size()); }

}  // namespace photoscribe
