// run_keys: a run's keys in Redis: by which incarnation they go, whether they are there and ours,
// and the fence that keeps other schedulers' commands out (protocol.md H4, H7, H11, Q21).
//
// An incarnation is stored before its first use. When keys must be made anew is the reconciler's
// decision, not ours.
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
  /// Looks for the keys of the incarnation that is stored; registers them where only that is lost.
  [[nodiscard]] asio::awaitable<Expected<Found>> find();
  /// Under a new incarnation, or the one that no server has taken yet; past ones are deleted first.
  [[nodiscard]] asio::awaitable<Status> make();
  /// Writes a fence of ours and reads what is in the window, of the same instant. None: another
  /// scheduler has written its own meanwhile.
  [[nodiscard]] asio::awaitable<Expected<std::optional<redis::Snapshot>>> fence_off();
  /// Writes the run's line in photoscribe:runs (again).
  [[nodiscard]] asio::awaitable<Status> register_run();
  /// Of incarnations before this one; those whose keys have expired by themselves are forgotten.
  [[nodiscard]] asio::awaitable<Status> delete_past();
  /// The run is over: deletes all its keys.
  [[nodiscard]] asio::awaitable<Status> delete_all();

 private:
  enum class State : std::uint8_t {
    unknown,  // stored by somebody before us; its spec may be another
    unmade,   // stored, and nothing of it seen in Redis: may be tried again
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
