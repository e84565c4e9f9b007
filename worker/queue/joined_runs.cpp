#include "worker/queue/joined_runs.h"

#include <algorithm>
#include <utility>

namespace photoscribe {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr auto kLeaseWithoutRuns = 30'000ms;
constexpr auto kRejoinAfter = 1'000ms;

}  // namespace

JoinedRun::JoinedRun(std::shared_ptr<const RunContext> run)
    : context(std::move(run)), liveness(milliseconds(context->spec.lease.lease_ms)) {}

RunShare JoinedRun::share() const { return RunShare{context->incarnation, weight, priority}; }

milliseconds JoinedRun::lease() const { return milliseconds(context->spec.lease.lease_ms); }

JoinedRun* JoinedRuns::find(const std::string& incarnation) {
  const auto found = runs_.find(incarnation);
  return found == runs_.end() ? nullptr : &found->second;
}

JoinedRun& JoinedRuns::join(std::shared_ptr<const RunContext> run) {
  const std::string incarnation = run->incarnation;
  JoinedRun& joined = runs_.try_emplace(incarnation, std::move(run)).first->second;
  on_change_();
  return joined;
}

void JoinedRuns::leave(const std::string& incarnation, Clock::time_point now) {
  runs_.erase(incarnation);
  reading.forget(incarnation);
  starting.forget(incarnation);
  std::erase_if(not_before_, [&](const auto& each) { return each.second <= now; });
  not_before_[incarnation] = now + kRejoinAfter;
  list_at = Clock::time_point();
  on_change_();
}

bool JoinedRuns::may_join(const std::string& incarnation, Clock::time_point now) const {
  const auto found = not_before_.find(incarnation);
  return !runs_.contains(incarnation) && (found == not_before_.end() || found->second <= now);
}

void JoinedRuns::compare_soon() {
  for (auto& [incarnation, run] : runs_) run.renew_at = Clock::time_point();
}

std::vector<std::string> JoinedRuns::incarnations() const {
  std::vector<std::string> names;
  for (const auto& [incarnation, run] : runs_) names.push_back(incarnation);
  return names;
}

std::vector<RunShare> JoinedRuns::shares() const {
  std::vector<RunShare> shares;
  for (const auto& [incarnation, run] : runs_) shares.push_back(run.share());
  return shares;
}

std::size_t JoinedRuns::waiting() const {
  std::size_t sum = 0;
  for (const auto& [incarnation, run] : runs_) sum += run.held.count(Holdings::State::waiting);
  return sum;
}

milliseconds JoinedRuns::lease() const {
  milliseconds shortest = kLeaseWithoutRuns;
  for (const auto& [incarnation, run] : runs_) shortest = std::min(shortest, run.lease());
  return shortest;
}

}  // namespace photoscribe
