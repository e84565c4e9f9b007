#include "worker/queue/dispatcher.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/core/random.h"
#include "common/text/escape.h"

namespace photoscribe {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using State = Holdings::State;
template <class T>
using Awaitable = boost::asio::awaitable<T>;

namespace {

constexpr int kTurnsPerSuspect = 3;  // protocol.md Q10

}  // namespace

std::size_t choose_orphan(const std::vector<Orphan>& orphans, std::uint64_t random) {
  const auto least = std::min_element(
      orphans.begin(), orphans.end(),
      [](const Orphan& a, const Orphan& b) { return a.deliveries < b.deliveries; });
  std::vector<std::size_t> best;
  for (std::size_t i = 0; i < orphans.size(); ++i) {
    if (orphans[i].deliveries == least->deliveries) best.push_back(i);
  }
  return best[random % best.size()];
}

Dispatcher::Dispatcher(QueueParts parts, Publisher& publisher, std::string consumer,
                       std::size_t batch_max)
    : parts_(parts),
      publisher_(publisher),
      consumer_(std::move(consumer)),
      batch_max_(std::max<std::size_t>(1, batch_max)) {}

Awaitable<void> Dispatcher::loop() {
  while (!parts_.stop.begun()) {
    if (!co_await parts_.link.reach()) continue;
    Status turned = co_await turn();
    co_await parts_.link.settle(std::move(turned));
  }
}

Awaitable<Status> Dispatcher::turn() {
  if (parts_.jobs.empty()) suspect_in_hand_ = false;
  const Status returned = co_await hand_back_all();
  if (!returned) co_return returned;
  // Redis takes nothing: stop computing.
  const bool full = publisher_.unpublished() > 2 * parts_.jobs.jobs_max();
  if (!parts_.machine.resting() && !full && !parts_.stop.begun()) {
    const Expected<bool> started = co_await start_something();
    if (!started) co_return fail(started.error());
    if (*started) co_return Status();
  }
  co_await parts_.wakes.feed.rest(std::min<milliseconds>(kSleepMax, parts_.runs.lease() / 8));
  co_return Status();
}

/// Starts something of the first run in turn that has anything to start; false: none has.
Awaitable<Expected<bool>> Dispatcher::start_something() {
  const std::vector<std::string> names = parts_.runs.starting.order(parts_.runs.shares());
  for (const auto& incarnation : names) {
    JoinedRun* run = parts_.runs.find(incarnation);
    if (run == nullptr) continue;
    const std::size_t fresh = run->held.fresh_count();
    const bool orphans = !run->orphans.empty() && parts_.roots.some_ready(run->context->spec.roots);
    const bool suspects = run->held.suspect().has_value() || orphans;
    const bool due = run->turns_since_suspect >= kTurnsPerSuspect || fresh == 0;
    // All that there is room for, but not less than a batch: each START costs a round trip.
    const std::size_t chunk = std::min(fresh, std::max(batch_max_, parts_.jobs.room()));
    Status started;
    if (suspects && due) {
      // Only with nothing in hand: whatever crashes then is the suspect.
      if (!parts_.jobs.empty()) co_return false;
      started = co_await start_suspect(incarnation);
    } else if (chunk > 0 && chunk <= parts_.jobs.room() && !suspect_in_hand_) {
      started = co_await start_fresh(incarnation, chunk);
    } else {
      continue;
    }
    if (!started) co_return fail(started.error());
    co_return true;
  }
  co_return false;
}

Awaitable<Status> Dispatcher::start_fresh(std::string incarnation, std::size_t count) {
  JoinedRun* run = parts_.runs.find(incarnation);
  std::vector<redis::EntryId> chosen = run->held.fresh(count);
  ++run->turns_since_suspect;
  parts_.runs.starting.took(run->share(), chosen.size());
  const Status started = co_await mark_and_submit(incarnation, std::move(chosen));
  parts_.wakes.take.wake();  // there is room to read again
  co_return started;
}

Awaitable<Status> Dispatcher::start_suspect(std::string incarnation) {
  JoinedRun* run = parts_.runs.find(incarnation);
  run->turns_since_suspect = 0;
  parts_.runs.starting.took(run->share(), 1);
  if (const auto own = run->held.suspect()) {
    std::vector<redis::EntryId> chosen;
    chosen.push_back(*own);
    suspect_in_hand_ = true;
    const Status started = co_await mark_and_submit(incarnation, std::move(chosen));
    co_return started;
  }
  const Status reclaimed = co_await reclaim_one(incarnation);
  co_return reclaimed;
}

Awaitable<Status> Dispatcher::reclaim_one(std::string incarnation) {
  JoinedRun* run = parts_.runs.find(incarnation);
  const std::size_t pick = choose_orphan(run->orphans, random_u64());
  const Orphan orphan = run->orphans[pick];
  run->orphans.erase(run->orphans.begin() + static_cast<std::ptrdiff_t>(pick));
  const int max_deliveries = run->context->spec.lease.max_deliveries;
  const std::int64_t number = ++mark_number_;
  auto reclaimed = co_await parts_.link.queue.reclaim(incarnation, consumer_, number, orphan.id,
                                                      orphan.holder, max_deliveries);
  if (!reclaimed) {
    if (reclaimed.error().code != Errc::run_gone) co_return fail(reclaimed.error());
    parts_.held.drop_run(incarnation, reclaimed.error().message);
    co_return Status();
  }
  run = parts_.runs.find(incarnation);
  if (run == nullptr) co_return Status();
  if (reclaimed->verdict == redis::ReclaimVerdict::condemned) {
    spdlog::warn("msg=\"condemned a photo that was in hand at every crash\" run={} entry={}",
                 log_value(run->context->spec.run), redis::to_string(orphan.id));
  }
  if (reclaimed->verdict != redis::ReclaimVerdict::claimed || !reclaimed->delivery)
    co_return Status();
  spdlog::info("msg=\"claimed a suspect\" run={} image_id={} deliveries={} from={}",
               log_value(run->context->spec.run), reclaimed->delivery->task.image_id,
               reclaimed->delivery->deliveries, log_value(orphan.holder.name));
  take_up(*run, std::move(*reclaimed->delivery));
  co_return Status();
}

void Dispatcher::take_up(JoinedRun& run, redis::Delivery suspect) {
  const std::vector<redis::EntryId> claimed(1, suspect.id);
  const bool ready = parts_.roots.is_ready(suspect.task.root);
  run.held.put_in_hand(std::move(suspect));
  if (!ready) {
    parts_.held.give_back(run, claimed);  // for a worker that can read it; uncharged
    return;
  }
  suspect_in_hand_ = true;
  parts_.held.submit(run, claimed);
}

Awaitable<Status> Dispatcher::mark_and_submit(std::string incarnation,
                                              std::vector<redis::EntryId> chosen) {
  JoinedRun* run = parts_.runs.find(incarnation);
  std::vector<redis::EntryId> in_hand = run->held.ids(State::in_hand);
  in_hand.insert(in_hand.end(), chosen.begin(), chosen.end());
  const std::int64_t number = ++mark_number_;
  const auto kept = co_await parts_.link.queue.start(incarnation, consumer_, number, in_hand);
  if (!kept) {
    if (kept.error().code != Errc::run_gone) co_return fail(kept.error());
    parts_.held.drop_run(incarnation, kept.error().message);
    co_return Status();
  }
  run = parts_.runs.find(incarnation);
  if (run == nullptr) co_return Status();
  const std::set<redis::EntryId> ours(kept->begin(), kept->end());
  std::vector<redis::EntryId> lost, started;
  for (const auto id : in_hand) {
    if (!ours.contains(id)) lost.push_back(id);
  }
  for (const auto id : chosen) {
    // Meanwhile it may have been lost, or handed back by a stop.
    if (ours.contains(id) && run->held.is(id, State::waiting)) started.push_back(id);
  }
  parts_.held.drop(*run, lost);
  if (parts_.stop.begun() || parts_.machine.resting()) co_return Status();  // on their way back
  run->held.move(started, State::in_hand);
  parts_.held.submit(*run, started);
  co_return Status();
}

Awaitable<Status> Dispatcher::hand_back_all() {
  const std::vector<std::string> names = parts_.runs.incarnations();
  for (const auto& incarnation : names) {
    JoinedRun* run = parts_.runs.find(incarnation);
    if (run == nullptr) continue;
    const std::vector<redis::EntryId> ids = run->held.ids(State::returning);
    if (ids.empty()) continue;
    const auto handed = co_await parts_.link.queue.hand_back(incarnation, consumer_, ids);
    if (!handed) {
      if (handed.error().code != Errc::run_gone) co_return fail(handed.error());
      parts_.held.drop_run(incarnation, handed.error().message);
      continue;
    }
    run = parts_.runs.find(incarnation);
    const bool expected = run != nullptr && run->fruitless_reads > 1;  // again and again
    spdlog::log(expected ? spdlog::level::debug : spdlog::level::info,
                "msg=\"handed tasks back\" incarnation={} tasks={}", incarnation, *handed);
    if (run != nullptr) run->held.remove(ids);
  }
  co_return Status();
}

}  // namespace photoscribe
