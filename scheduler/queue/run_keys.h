// run_keys: a run's keys in Redis: their incarnation, whether they exist and are ours, and the
// fence that keeps other schedulers' commands out (protocol.md H4, H7, H11, Q21).
//
// An incarnation is stored before its first use. When new keys are needed is the reconciler's
// decision.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "common/core/error.h"
#include "common/redis/scheduler_queue.h"
#include "scheduler/queue/run_store.h"
#include "scheduler/queue/scheduler_settings.h"

namespace photoscribe {

class RunKeys {
 public:
  /// References must outlive this.
  RunKeys(const SchedulerSettings& settings, redis::SchedulerQueue& queue, RunStore& store);

  /// Empty until it is known.
  [[nodiscard]] const std::string& incarnation() const { return incarnation_; }
  [[nodiscard]] bool are_known() const { return !incarnation_.empty(); }
  /// What enqueue must find in Redis.
  [[nodiscard]] std::uint64_t fence() const { return fence_; }

  enum class Found : std::uint8_t {
    ours,
    other_settings,  // complete, but workers read another spec there
    gone,            // nothing, or not all of it
  };
  /// Looks for the keys of the stored incarnation; registers them if only that is missing.
  [[nodiscard]] asio::awaitable<Expected<Found>> find();
  /// Makes keys under a new incarnation, or one that no server has seen; deletes past ones first.
  [[nodiscard]] asio::awaitable<Status> make();
  /// Writes a new fence and reads the window at the same instant. None: another scheduler has
  /// written its own fence meanwhile.
  [[nodiscard]] asio::awaitable<Expected<std::optional<redis::Snapshot>>> fence_off();
  /// Writes the run's line in photoscribe:runs (again).
  [[nodiscard]] asio::awaitable<Status> register_run();
  /// Deletes keys of past incarnations; forgets those whose keys have expired.
  [[nodiscard]] asio::awaitable<Status> delete_past();
  /// The run is over: deletes all its keys.
  [[nodiscard]] asio::awaitable<Status> delete_all();

 private:
  enum class State : std::uint8_t {
    unknown,  // stored by an earlier process; its spec may differ
    unmade,   // stored, but never seen in Redis: may be tried again
    ours,
  };
  [[nodiscard]] redis::RunListing listing() const;

  const SchedulerSettings& settings_;
  redis::SchedulerQueue& queue_;
  RunStore& store_;
  std::string incarnation_;
  State state_ = State::unknown;
  std::uint64_t fence_ = 0;
  std::set<std::uint64_t> fences_;  // all that this object wrote in this incarnation
};

}  // namespace photoscribe
