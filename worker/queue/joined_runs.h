// joined_runs: the runs that this worker has joined, and what it holds and knows of each.
//
// Pure bookkeeping of the thread that talks to Redis.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/redis/liveness.h"
#include "common/redis/queue_types.h"
#include "worker/photo/job.h"
#include "worker/queue/holdings.h"
#include "worker/queue/run_turns.h"

namespace photoscribe {

/// An entry in the name of a dead worker, which it had marked as in hand.
struct Orphan {
  redis::EntryId id;
  int deliveries = 1;
  redis::Judged holder;
};

struct JoinedRun {
  using Clock = std::chrono::steady_clock;
  explicit JoinedRun(std::shared_ptr<const RunContext> run);

  std::shared_ptr<const RunContext> context;
  Holdings held;
  redis::Liveness liveness;
  std::vector<Orphan> orphans;
  Clock::time_point renew_at{}, look_at{};
  int weight = 1, priority = 0;  // as last listed
  int turns_since_suspect = 0;
  Clock::time_point rest_until{};  // the last reads brought only photos of roots not ready
  int fruitless_reads = 0;

  [[nodiscard]] RunShare share() const;
  [[nodiscard]] std::chrono::milliseconds lease() const;
};

class JoinedRuns {
 public:
  using Clock = std::chrono::steady_clock;
  using Map = std::map<std::string, JoinedRun>;  // by incarnation

  /// `on_change` is called when a run is joined or left.
  explicit JoinedRuns(std::function<void()> on_change) : on_change_(std::move(on_change)) {}

  /// Null if the run is not (or no longer) joined. Call again after every co_await: runs go.
  [[nodiscard]] JoinedRun* find(const std::string& incarnation);
  JoinedRun& join(std::shared_ptr<const RunContext> run);
  /// Its successor may be joined at once; the run itself, half lost, only when the scheduler has
  /// had time to restore it.
  void leave(const std::string& incarnation, Clock::time_point now);
  [[nodiscard]] bool may_join(const std::string& incarnation, Clock::time_point now) const;

  /// Compare with Redis what is in our name, at once (protocol.md H1).
  void compare_soon();

  [[nodiscard]] std::vector<std::string> incarnations() const;
  [[nodiscard]] std::vector<RunShare> shares() const;
  [[nodiscard]] std::size_t waiting() const;              // tasks read and not begun
  [[nodiscard]] std::chrono::milliseconds lease() const;  // the shortest; without runs 30 s

  Map::iterator begin() { return runs_.begin(); }
  Map::iterator end() { return runs_.end(); }
  [[nodiscard]] Map::const_iterator begin() const { return runs_.begin(); }
  [[nodiscard]] Map::const_iterator end() const { return runs_.end(); }

  RunTurns reading, starting;
  Clock::time_point list_at{};  // when to look which runs there are; at once when one is left

 private:
  const std::function<void()> on_change_;
  Map runs_;
  std::map<std::string, Clock::time_point> not_before_;
};

}  // namespace photoscribe
