// scheduler_queue: what a scheduler does with the queue of its run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/redis/run_queue.h"

namespace photoscribe::redis {

class SchedulerQueue : public RunQueue {
 public:
  using RunQueue::RunQueue;

  /// One MULTI: streams, group at id 0, spec, fence, registration, expiry (H4). May be sent again
  /// in doubt. The incarnation must already be in SQLite.
  [[nodiscard]] Awaitable<void> make_run(RunListing run, RunSpec spec, std::uint64_t fence);
  [[nodiscard]] Awaitable<Presence> presence(std::string incarnation);
  /// Writes the registration (again), where :spec exists.
  [[nodiscard]] Awaitable<void> register_run(RunListing run);

  /// Adds tasks, as long as the fence in :state is ours (H7) and the keys exist (H4). In doubt:
  /// never again, reconcile.
  [[nodiscard]] Awaitable<EnqueueOutcome> enqueue(std::string incarnation, std::uint64_t fence,
                                                  std::vector<Task> tasks);

  /// Reconcile's step (2) in one MULTI; writes `new_fence` (random_u64()) in the same instant, or
  /// none: then nothing is changed. Needs about 1.5 KiB per entry while it is parsed.
  [[nodiscard]] Awaitable<Snapshot> snapshot(std::string incarnation,
                                             std::optional<std::uint64_t> new_fence);

  /// Takes at most `count` tasks out that no worker has begun, as long as the fence is ours: for a
  /// pause. What is in hand stays. Fewer than `count`: nothing of that kind is left. In doubt:
  /// again.
  [[nodiscard]] Awaitable<Withdrawn> withdraw(std::string incarnation, std::uint64_t fence,
                                              int count = 1'000);

  /// Results after `after` ({}: from the first entry, the rule; H3), waiting up to `block` when
  /// there are none (0: not at all; blocking needs a connection of its own). A position only speeds
  /// things up: forget it at every reconnect. Says nothing of a stream that is not there: look()
  /// does.
  [[nodiscard]] Awaitable<std::vector<ResultEntry>> read_results(std::string incarnation, int count,
                                                                 EntryId after = {},
                                                                 milliseconds block = {});
  /// The newest entry: where reconcile's step (3) ends (protocol.md Q5).
  [[nodiscard]] Awaitable<std::optional<EntryId>> last_result(std::string incarnation);
  /// After the commit.
  [[nodiscard]] Awaitable<void> delete_results(std::string incarnation, std::vector<EntryId> ids);

  /// Remembers done and blurred results by the content of their photos, where :spec exists: in
  /// `seen`, which takes the place of `seen_before` when it has `generation_max` of them. What is
  /// remembered saves work and nothing hangs on it. At most kEnqueueMax at once.
  [[nodiscard]] Awaitable<void> note_seen(std::string incarnation, std::vector<Result> results,
                                          std::int64_t generation_max);

  /// Gives the memory of note_seen() back.
  [[nodiscard]] Awaitable<void> forget_seen(std::string incarnation);

  /// Lengths and presence, and renews the expiry of every key. run_gone: spec, a stream or the
  /// group is missing. Whenever idle, and at least hourly.
  [[nodiscard]] Awaitable<Look> look(std::string incarnation);

  /// reclaim() for when no worker lives: never claims (protocol.md Q17).
  [[nodiscard]] Awaitable<Reclaimed> condemn(std::string incarnation, EntryId id, Judged holder,
                                             int max_deliveries);

  /// Deletes a dead consumer and its fields, in a script that first looks that it has nothing
  /// pending and has not moved (H8). False: it was left alone.
  [[nodiscard]] Awaitable<bool> remove_dead_consumer(std::string incarnation, Judged holder);

  /// Deletes every key and the registration of these incarnations: at the end of a run, and past
  /// ones at every reconcile (H11). Succeeds where they are gone already.
  [[nodiscard]] Awaitable<void> delete_runs(std::vector<std::string> incarnations);
};

}  // namespace photoscribe::redis
