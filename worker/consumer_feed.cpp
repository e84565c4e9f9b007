// The coroutine that feeds the pipeline. It alone decides what is in hand: every START and RECLAIM
// goes over its connection, so their numbers rise in the order in which they are executed (H10).
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/redis/identity.h"
#include "worker/consumer.h"
#include "worker/log.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using State = Holdings::State;

namespace {

constexpr auto kSleepMax = 250ms;
constexpr int kTurnsPerSuspect = 3;  // protocol.md Q10

}  // namespace

asio::awaitable<void> Consumer::feed_loop() {
  while (!drain_) {
    if (!co_await reach(feed_)) continue;
    const Status turn = co_await feed_turn();
    if (turn) {
      works(feed_);
    } else {
      co_await trouble(feed_, turn.error());
    }
  }
  co_await finish_drain();
}

asio::awaitable<Status> Consumer::feed_turn() {
  if (in_pipeline_ == 0) suspect_in_hand_ = false;
  const Status returned = co_await hand_back_all();
  if (!returned) co_return returned;
  const std::size_t unpublished = done_.size() + publishing_.size();
  const bool full = unpublished > 2 * pipeline_->jobs_max();  // Redis takes nothing: stop computing
  if (!unready() && !full && !drain_) {
    std::vector<RunShare> shares;
    for (const auto& [incarnation, run] : runs_) shares.push_back(share_of(run));
    const std::vector<std::string> names = feed_turns_.order(shares);
    for (const auto& incarnation : names) {
      JoinedRun* run = find(incarnation);
      if (run == nullptr) continue;
      const std::size_t fresh = run->held.fresh_count();
      const bool orphans = !run->orphans.empty() && some_root_ready(*run);
      const bool suspects = run->held.suspect().has_value() || orphans;
      const bool due = run->turns_since_suspect >= kTurnsPerSuspect || fresh == 0;
      if (suspects && due) {
        if (in_pipeline_ > 0) break;  // with empty hands only: whatever crashes then is the suspect
        const Status started = co_await start_suspect(incarnation);
        co_return started;
      }
      const std::size_t room =
          pipeline_->jobs_max() - std::min(pipeline_->jobs_max(), in_pipeline_);
      const std::size_t chunk = std::min(fresh, batch_max_);
      if (chunk > 0 && chunk <= room && !suspect_in_hand_) {
        const Status started = co_await start_fresh(incarnation, chunk);
        co_return started;
      }
    }
  }
  co_await wake_feed_.sleep(std::min<milliseconds>(kSleepMax, lease() / 8));
  co_return Status();
}

asio::awaitable<Status> Consumer::start_fresh(std::string incarnation, std::size_t count) {
  JoinedRun* run = find(incarnation);
  std::vector<redis::EntryId> chosen = run->held.fresh(count);
  ++run->turns_since_suspect;
  feed_turns_.took(share_of(*run), chosen.size());
  const Status started = co_await mark_and_submit(incarnation, std::move(chosen));
  wake_take_.notify();  // there is room to read again
  co_return started;
}

asio::awaitable<Status> Consumer::start_suspect(std::string incarnation) {
  JoinedRun* run = find(incarnation);
  run->turns_since_suspect = 0;
  feed_turns_.took(share_of(*run), 1);
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

// Least delivered first, then at random, so that workers do not all reach for the same one.
asio::awaitable<Status> Consumer::reclaim_one(std::string incarnation) {
  JoinedRun* run = find(incarnation);
  const auto least = std::min_element(
      run->orphans.begin(), run->orphans.end(),
      [](const Orphan& a, const Orphan& b) { return a.deliveries < b.deliveries; });
  std::vector<std::size_t> best;
  for (std::size_t i = 0; i < run->orphans.size(); ++i) {
    if (run->orphans[i].deliveries == least->deliveries) best.push_back(i);
  }
  const std::size_t pick = best[redis::random_u64() % best.size()];
  const Orphan orphan = run->orphans[pick];
  run->orphans.erase(run->orphans.begin() + static_cast<std::ptrdiff_t>(pick));
  const int max_deliveries = run->context->spec.lease.max_deliveries;
  const std::int64_t number = ++mark_number_;
  auto reclaimed = co_await feed_.queue.reclaim(incarnation, config_.name, number, orphan.id,
                                                orphan.holder, max_deliveries);
  if (!reclaimed) {
    if (reclaimed.error().code != Errc::run_gone) co_return fail(reclaimed.error());
    drop_run(incarnation, reclaimed.error().message);
    co_return Status();
  }
  run = find(incarnation);
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
  const redis::EntryId id = reclaimed->delivery->id;
  std::vector<redis::EntryId> claimed(1, id);
  const bool ready = is_ready(reclaimed->delivery->task.root);
  run->held.put_in_hand(std::move(*reclaimed->delivery));
  if (!ready) {
    give_back(*run, claimed);  // for a worker that can read it; uncharged
    co_return Status();
  }
  suspect_in_hand_ = true;
  submit(*run, claimed);
  co_return Status();
}

asio::awaitable<Status> Consumer::mark_and_submit(std::string incarnation,
                                                  std::vector<redis::EntryId> chosen) {
  JoinedRun* run = find(incarnation);
  std::vector<redis::EntryId> in_hand = run->held.ids(State::in_hand);
  in_hand.insert(in_hand.end(), chosen.begin(), chosen.end());
  const std::int64_t number = ++mark_number_;
  const auto kept = co_await feed_.queue.start(incarnation, config_.name, number, in_hand);
  if (!kept) {
    if (kept.error().code != Errc::run_gone) co_return fail(kept.error());
    drop_run(incarnation, kept.error().message);
    co_return Status();
  }
  run = find(incarnation);
  if (run == nullptr) co_return Status();
  const std::set<redis::EntryId> ours(kept->begin(), kept->end());
  std::vector<redis::EntryId> lost, started;
  for (const auto id : in_hand) {
    if (!ours.contains(id)) lost.push_back(id);
  }
  for (const auto id : chosen) {
    // Meanwhile it may have been found lost, or been sent back by a stop.
    if (ours.contains(id) && run->held.is(id, State::waiting)) started.push_back(id);
  }
  forget_entries(*run, lost);
  if (drain_ || unready()) co_return Status();  // they are on their way back
  run->held.move(started, State::in_hand);
  submit(*run, started);
  co_return Status();
}

void Consumer::submit(JoinedRun& run, const std::vector<redis::EntryId>& ids) {
  std::vector<Job> jobs;
  jobs.reserve(ids.size());
  for (const auto id : ids) {
    Job job;
    job.run = run.context;
    job.entry = id;
    job.task = run.held.find(id)->task;
    jobs.push_back(std::move(job));
  }
  in_pipeline_ += jobs.size();
  pipeline_->submit(std::move(jobs));
}

asio::awaitable<Status> Consumer::hand_back_all() {
  const std::vector<std::string> names = joined();
  for (const auto& incarnation : names) {
    JoinedRun* run = find(incarnation);
    if (run == nullptr) continue;
    const std::vector<redis::EntryId> ids = run->held.ids(State::returning);
    if (ids.empty()) continue;
    const auto handed = co_await feed_.queue.hand_back(incarnation, config_.name, ids);
    if (!handed) {
      if (handed.error().code != Errc::run_gone) co_return fail(handed.error());
      drop_run(incarnation, handed.error().message);
      continue;
    }
    run = find(incarnation);
    const bool expected = run != nullptr && run->fruitless_reads > 1;  // again and again
    spdlog::log(expected ? spdlog::level::debug : spdlog::level::info,
                "msg=\"handed tasks back\" incarnation={} tasks={}", incarnation, *handed);
    if (run != nullptr) run->held.remove(ids);
  }
  co_return Status();
}

}  // namespace photoscribe
