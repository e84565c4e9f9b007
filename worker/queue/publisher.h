// publisher: brings results to Redis, each with the removal of its task, in one MULTI per run.
//
// What is being sent stays here until the server has acknowledged it, so that a FINISH in doubt is
// sent again unchanged (protocol.md Q13).
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "worker/health/worker_metrics.h"
#include "worker/queue/held_tasks.h"
#include "worker/queue/link.h"

namespace photoscribe {

class Publisher {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kEnough = 250;  // results that wait for no others

  Publisher(Link& link, JoinedRuns& runs, HeldTasks& held, Wakes& wakes, Stop& stop,
            WorkerMetrics& metrics, std::string consumer);

  /// Takes a result, unless its task is no longer in hand: the lease was lost, or the watchdog has
  /// already published it as timed out.
  void add(Finished item);
  /// Does not wait for more results.
  void publish_now();

  /// Redis takes nothing: twice what may be in work, or what is sent without waiting.
  [[nodiscard]] bool is_full(std::size_t jobs_max) const {
    return unpublished() > 2 * std::max(jobs_max, kEnough);
  }
  [[nodiscard]] std::size_t unpublished() const { return done_.size() + sending_.size(); }

  /// Until the worker has ended.
  [[nodiscard]] boost::asio::awaitable<void> loop();

 private:
  [[nodiscard]] boost::asio::awaitable<Status> publish_some();
  [[nodiscard]] boost::asio::awaitable<Status> send(std::string incarnation, std::size_t count);
  void gather();

  Link& link_;
  JoinedRuns& runs_;
  HeldTasks& held_;
  Wakes& wakes_;
  Stop& stop_;
  WorkerMetrics& metrics_;
  const std::string consumer_;
  std::deque<Finished> done_;
  std::vector<Finished> sending_;
  bool now_ = false;
  Clock::time_point done_since_{};
};

}  // namespace photoscribe
