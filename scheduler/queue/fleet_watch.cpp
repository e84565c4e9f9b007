#include "scheduler/queue/fleet_watch.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "common/core/join.h"
#include "common/redis/fleet.h"
#include "scheduler/queue/nobody_serves.h"

namespace photoscribe {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::minutes kForgetWorker{10};  // time to notice that it is gone

/// Of those that can serve the run.
std::vector<WorkerReport> able(const SchedulerSettings& settings,
                               const std::vector<SeenWorker>& fleet) {
  std::vector<WorkerReport> reports;
  for (const SeenWorker& one : fleet)
    if (!why_not_join(settings.spec, one.report)) reports.push_back(one.report);
  return reports;
}

/// Why no worker can, judging by the reports and the run's heartbeats.
std::optional<std::string> why_nobody_can(const SchedulerSettings& settings,
                                          const std::vector<SeenWorker>& fleet,
                                          std::size_t living) {
  const auto joined = static_cast<std::size_t>(std::count_if(
      fleet.begin(), fleet.end(),
      [&](const SeenWorker& one) { return !why_not_join(settings.spec, one.report); }));
  if (living > joined) return std::nullopt;  // some do not report
  const bool some_there = std::any_of(fleet.begin(), fleet.end(), is_present);
  if (settings.own_workers && !some_there) return std::nullopt;  // they are starting
  return why_nobody_serves(settings.spec, fleet);
}

}  // namespace

asio::awaitable<Status> FleetWatch::look(std::size_t living, bool wants_workers) {
  if (!may_read_) co_return Status();
  Expected<std::vector<SeenWorker>> fleet = co_await redis::read_fleet(connection_, kForgetWorker);
  if (!fleet) {
    if (fleet.error().code != Errc::redis_refused) co_return fail(fleet.error());
    may_read_ = false;
    reporter_.report(EventLevel::warning,
                     fleet.error().message + ": cannot tell whether any worker can serve this run");
    co_return Status();
  }
  work_.observe(able(settings_, *fleet));
  std::optional<std::string> why;
  if (wants_workers) why = why_nobody_can(settings_, *fleet, living);
  const std::optional<Event> event = unserved_.observe(std::move(why), Unserved::Clock::now());
  if (event) reporter_.report(event->level, event->text);
  workers_ = std::move(*fleet);
  co_return Status();
}

}  // namespace photoscribe
