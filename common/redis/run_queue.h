// run_queue: the operations on a run's queue that workers and schedulers share; worker_queue.h and
// scheduler_queue.h have those of each. Together the one owner of key names and scripts.
//
// They implement ops/docs/protocol.md; each operation says which rule. They decide nothing: who is
// dead, what to enqueue and when to reconcile are the callers' (liveness.h, scheduler/). Keys of a
// run, INC its incarnation: photoscribe:{INC}:tasks (stream, group `workers`) :results (stream
// without group) :spec :state (fence) :workers (beats, in-hand marks) :seen :seen_before;
// and the hash photoscribe:runs.
//
// Errors of every operation: those of Connection, and run_gone when the run's keys are not there.
// For a worker run_gone means: drop that run's work, read list_runs() again; for the scheduler:
// reconcile (H4). No operation but make_run creates a key of a run that has no :spec.
#pragma once

#include <string>
#include <vector>

#include "common/redis/queue_types.h"

namespace photoscribe::redis {

/// Operations over one connection, which must outlive this and its coroutines. Parameters are
/// values, so nothing that the caller passes must stay alive. `id` lists need no order.
class RunQueue {
 public:
  explicit RunQueue(Connection& connection) noexcept : connection_(connection) {}

  /// The runs a worker may join, by priority (highest first), then name. Entries that are not an
  /// incarnation are left out.
  [[nodiscard]] Awaitable<std::vector<RunListing>> list_runs();
  /// Takes a run without :spec off photoscribe:runs; leaves one that has it (H11).
  [[nodiscard]] Awaitable<void> forget_run(std::string incarnation);
  /// run_gone: no spec; bad_payload: one that we cannot read.
  [[nodiscard]] Awaitable<RunSpec> read_spec(std::string incarnation);
  /// Every consumer of the group and every worker that beats, with its counter: what
  /// Liveness::observe takes.
  [[nodiscard]] Awaitable<std::vector<Holder>> holders(std::string incarnation);
  /// The pending list of one holder from `after` on, in order of id.
  [[nodiscard]] Awaitable<std::vector<Pending>> pending_of(std::string incarnation,
                                                           std::string holder, int count,
                                                           EntryId after = {});
  /// Hands back, uncharged, what the dead `holder` had not marked in hand, at most `count` entries
  /// (H10): prefetched work returns to bulk speed. Returns how many; below `count` means that only
  /// entries in hand are left.
  [[nodiscard]] Awaitable<int> release_unmarked(std::string incarnation, Judged holder,
                                                int count = 1'000);

  /// XACK + XDEL, in pieces; of tasks that are not (or no longer) wanted.
  [[nodiscard]] Awaitable<void> remove_tasks(std::string incarnation, std::vector<EntryId> ids);

 protected:
  /// reclaim.lua; `consumer` empty: condemns or hands back, never claims.
  [[nodiscard]] Awaitable<Reclaimed> run_reclaim(std::string incarnation, EntryId id, Judged holder,
                                                 int max_deliveries, std::string consumer,
                                                 std::int64_t number);

  Connection& connection_;
};

}  // namespace photoscribe::redis
