#include "worker/queue/publisher.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/core/wire.h"

namespace photoscribe {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr auto kGather = 100ms;             // how long blurred and failed photos wait for others
constexpr std::size_t kResultsMax = 1'000;  // per MULTI

}  // namespace

Publisher::Publisher(Link& link, JoinedRuns& runs, HeldTasks& held, Wakes& wakes, Stop& stop,
                     WorkerMetrics& metrics, std::string consumer)
    : link_(link),
      runs_(runs),
      held_(held),
      wakes_(wakes),
      stop_(stop),
      metrics_(metrics),
      consumer_(std::move(consumer)) {}

void Publisher::add(Finished item) {
  JoinedRun* run = runs_.find(item.job.run->incarnation);
  if (run == nullptr || !run->held.is(item.job.entry, Holdings::State::in_hand)) return;
  run->held.move({item.job.entry}, Holdings::State::done);
  if (done_.empty()) {
    done_since_ = Clock::now();
    wakes_.publish.wake();  // it rests without a time while there is nothing
  }
  done_.push_back(std::move(item));
  if (done_.size() == kEnough) publish_now();
}

void Publisher::publish_now() {
  now_ = true;
  wakes_.publish.wake();
}

boost::asio::awaitable<void> Publisher::loop() {
  while (!stop_.ended()) {
    if (sending_.empty() && !done_.empty() && !stop_.begun() && !now_) {
      const auto left = kGather - (Clock::now() - done_since_);
      if (left > 0ms) {
        co_await wakes_.publish.rest(std::chrono::ceil<milliseconds>(left));
        continue;
      }
    }
    if (unpublished() == 0) {
      now_ = false;
      co_await wakes_.publish.rest(kSleepMax);
      continue;
    }
    if (!co_await link_.reach()) continue;
    Status published = co_await publish_some();
    co_await link_.settle(std::move(published));
  }
}

void Publisher::gather() {
  const std::size_t count = std::min(done_.size(), kResultsMax);
  const auto end = done_.begin() + static_cast<std::ptrdiff_t>(count);
  sending_.assign(std::make_move_iterator(done_.begin()), std::make_move_iterator(end));
  done_.erase(done_.begin(), end);
  if (done_.empty()) now_ = false;
}

boost::asio::awaitable<Status> Publisher::publish_some() {
  if (sending_.empty()) gather();
  while (!sending_.empty()) {
    const std::string incarnation = sending_.front().job.run->incarnation;
    const auto others = std::stable_partition(
        sending_.begin(), sending_.end(),
        [&](const Finished& item) { return item.job.run->incarnation == incarnation; });
    const auto count = static_cast<std::size_t>(others - sending_.begin());
    if (runs_.find(incarnation) != nullptr) {
      const Status sent = co_await send(incarnation, count);
      if (!sent) co_return sent;
    }
    sending_.erase(sending_.begin(), sending_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  wakes_.feed.wake();
  wakes_.take.wake();
  co_return Status();
}

boost::asio::awaitable<Status> Publisher::send(std::string incarnation, std::size_t count) {
  ResultBatch batch;
  batch.worker = consumer_;
  std::vector<redis::EntryId> ids;
  for (std::size_t i = 0; i < count; ++i) {
    batch.results.push_back(sending_[i].result);
    ids.push_back(sending_[i].job.entry);
  }
  const Clock::time_point start = Clock::now();
  const Status sent = co_await link_.queue.finish(incarnation, ids, encode_results(batch));
  if (!sent && sent.error().code != Errc::run_gone) co_return sent;
  if (sent) metrics_.add_time(WorkerMetrics::Stage::publish, Clock::now() - start);
  if (!sent) held_.drop_run(incarnation, sent.error().message);
  if (JoinedRun* run = runs_.find(incarnation)) run->held.remove(ids);
  co_return Status();
}

}  // namespace photoscribe
