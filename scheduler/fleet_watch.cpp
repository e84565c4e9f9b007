// What the scheduler watches besides its own keys: whether anybody can do the run's photos (workers
// that cannot serve it do not join it, and say so only in their own logs and in what they report),
// and whether the server has begun to throw keys away.
#include <algorithm>
#include <utility>

#include "common/core/join.h"
#include "common/redis/fleet.h"
#include "common/redis/server_info.h"
#include "scheduler/nobody_serves.h"
#include "scheduler/scheduler.h"

namespace photoscribe {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::minutes kForgetWorker{10};            // in which people see that it is gone
constexpr std::chrono::minutes kSayAgain{10}, kSayOther{1};  // the same, and another reason
constexpr std::chrono::seconds kPolicyEvery{10};

}  // namespace

asio::awaitable<Status> Scheduler::watch_fleet() {
  Status watched = co_await watch_policy();
  if (!watched || !reads_fleet_) co_return watched;
  const Expected<std::vector<SeenWorker>> fleet =
      co_await redis::read_fleet(connection_, kForgetWorker);
  if (!fleet) {
    if (fleet.error().code != Errc::redis_refused) co_return fail(fleet.error());
    reads_fleet_ = false;  // a user with fewer rights than redis-users.conf gives
    say(EventLevel::warning, fleet.error().message + ": cannot tell when nobody serves this run");
    co_return Status();
  }
  std::optional<std::string> why = why_nobody_serves(settings_.spec, settings_.model_name, *fleet);
  const auto joined = static_cast<std::size_t>(std::count_if(
      fleet->begin(), fleet->end(),
      [this](const SeenWorker& one) { return !why_not_join(settings_.spec, one.report); }));
  if (liveness_.living() > joined) why.reset();  // some are there that do not report
  const bool some_there = std::any_of(fleet->begin(), fleet->end(), is_present);
  if (settings_.own_workers && !some_there) why.reset();  // they are starting
  if (now_.paused || finishing_ || now_.counts.asked.pending == 0) why.reset();
  note_unserved(std::move(why));
  co_return Status();
}

// Refused at the start; whoever switches it on later is told before tasks are lost, and why they
// were.
asio::awaitable<Status> Scheduler::watch_policy() {
  const auto now = steady_clock::now();
  if (now < next_policy_) co_return Status();
  next_policy_ = now + kPolicyEvery;
  const Expected<redis::ServerInfo> info = co_await redis::read_server_info(connection_);
  if (!info) co_return fail(info.error());
  const Status fit = redis::check_server(*info);
  if (fit || fit.error().code != Errc::redis_refused) {
    if (eviction_said_) say(EventLevel::info, "Redis keeps what it is given again");
    eviction_said_ = false;
  } else if (!std::exchange(eviction_said_, true)) {
    say(EventLevel::warning, fit.error().message);
  }
  co_return Status();
}

/// Behind the word that data were lost: what the server's settings say to it.
asio::awaitable<std::string> Scheduler::eviction_text() {
  const Expected<redis::ServerInfo> info = co_await redis::read_server_info(connection_);
  if (!info) co_return std::string();
  const Status fit = redis::check_server(*info);
  if (fit || fit.error().code != Errc::redis_refused) co_return std::string();
  eviction_said_ = true;
  co_return "; the cause: " + fit.error().message;
}

// Workers start, end and open models all the time: only what lasts is told, within a lease.
void Scheduler::note_unserved(std::optional<std::string> why) {
  const auto now = steady_clock::now();
  if (!why) {
    if (!now_.nobody_serves.empty()) say(EventLevel::info, "a worker serves this run now");
    now_.nobody_serves.clear();
    unserved_since_.reset();
    return;
  }
  if (!unserved_since_) unserved_since_ = now;
  const auto lease = std::chrono::milliseconds(settings_.spec.lease.lease_ms);
  if (now - *unserved_since_ < lease * 2 / 3) return;
  const bool news = now_.nobody_serves.empty();
  const auto rest = now_.nobody_serves == *why ? kSayAgain : kSayOther;
  now_.nobody_serves = std::move(*why);
  if (!news && now < say_unserved_at_ + rest) return;
  say_unserved_at_ = now;
  say(EventLevel::warning, "nobody can do the photos of this run: " + now_.nobody_serves);
}

}  // namespace photoscribe
