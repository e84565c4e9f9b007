// The coroutine that publishes: results and the removal of their tasks in one MULTI per run.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "common/core/wire.h"
#include "worker/consumer.h"
#include "worker/log.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto kGather = 100ms;  // blurred and failed photos wait so long for company
constexpr auto kSleepMax = 250ms;
constexpr std::size_t kResultsMax = 1'000;  // per MULTI

}  // namespace

asio::awaitable<void> Consumer::publish_loop() {
  while (!ended_) {
    if (publishing_.empty() && !done_.empty() && !drain_ && !publish_now_) {
      const auto left = kGather - (Clock::now() - done_since_);
      if (left > 0ms) {
        co_await wake_publish_.sleep(std::chrono::ceil<milliseconds>(left));
        continue;
      }
    }
    if (publishing_.empty() && done_.empty()) {
      publish_now_ = false;
      co_await wake_publish_.sleep(kSleepMax);
      continue;
    }
    if (!co_await reach(publish_)) continue;
    const Status published = co_await publish_some();
    if (published) {
      works(publish_);
    } else {
      co_await trouble(publish_, published.error());
    }
  }
}

// What is in `publishing_` stays there until the server has said yes, so a FINISH in doubt is sent
// again as it was (protocol.md Q13).
asio::awaitable<Status> Consumer::publish_some() {
  if (publishing_.empty()) {
    const std::size_t count = std::min(done_.size(), kResultsMax);
    const auto end = done_.begin() + static_cast<std::ptrdiff_t>(count);
    publishing_.assign(std::make_move_iterator(done_.begin()), std::make_move_iterator(end));
    done_.erase(done_.begin(), end);
    if (done_.empty()) publish_now_ = false;
  }
  while (!publishing_.empty()) {
    const std::string incarnation = publishing_.front().job.run->incarnation;
    const auto others = std::stable_partition(
        publishing_.begin(), publishing_.end(),
        [&](const Finished& item) { return item.job.run->incarnation == incarnation; });
    const auto count = static_cast<std::size_t>(others - publishing_.begin());
    if (find(incarnation) != nullptr) {
      ResultBatch batch;
      batch.worker = config_.name;
      std::vector<redis::EntryId> ids;
      for (std::size_t i = 0; i < count; ++i) {
        batch.results.push_back(publishing_[i].result);
        ids.push_back(publishing_[i].job.entry);
      }
      const Status sent = co_await publish_.queue.finish(incarnation, ids, encode_results(batch));
      if (!sent && sent.error().code != Errc::run_gone) co_return sent;
      if (!sent) drop_run(incarnation, sent.error().message);
      if (JoinedRun* run = find(incarnation)) run->held.remove(ids);
    }
    publishing_.erase(publishing_.begin(),
                      publishing_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  wake_feed_.notify();
  wake_take_.notify();
  co_return Status();
}

}  // namespace photoscribe
