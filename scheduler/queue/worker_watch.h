// worker_watch: the workers of a run: which are alive, which are silent, and what becomes of the
// tasks of dead ones while no worker is alive to reclaim them (protocol.md H8, H10, H12).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/redis/liveness.h"
#include "common/redis/scheduler_queue.h"
#include "scheduler/queue/run_keys.h"
#include "scheduler/queue/scheduler_settings.h"

namespace photoscribe {

class WorkerWatch {
 public:
  using Clock = std::chrono::steady_clock;

  /// References must outlive this.
  WorkerWatch(const SchedulerSettings& settings, redis::SchedulerQueue& queue, const RunKeys& keys);

  /// Whether it is time for observe() and remove_dead(); then the next time is set.
  [[nodiscard]] bool is_due(Clock::time_point now);
  [[nodiscard]] asio::awaitable<Status> observe();
  /// Removes consumers that died without a task; while none is alive, reclaims tasks of the others.
  [[nodiscard]] asio::awaitable<Status> remove_dead();

  /// New keys have new consumers.
  void forget() { liveness_.forget(); }
  /// Redis was unreachable, so no worker could send a heartbeat.
  void excuse(Clock::time_point now);

  /// As last observed.
  [[nodiscard]] std::size_t living() const { return living_; }
  /// Consumers without a heartbeat for `silent_after` while Redis could be reached.
  [[nodiscard]] const std::vector<std::string>& silent() const { return silent_; }

 private:
  asio::awaitable<Status> condemn_tasks_of(redis::Holder holder);
  void note_silence(std::span<const redis::Holder> seen, Clock::time_point now);

  const SchedulerSettings& settings_;
  redis::SchedulerQueue& queue_;
  const RunKeys& keys_;
  redis::Liveness liveness_;
  std::map<std::string, Clock::time_point> dead_since_;  // consumers
  std::size_t living_ = 0;
  std::vector<std::string> silent_;
  Clock::time_point next_{};
};

}  // namespace photoscribe
