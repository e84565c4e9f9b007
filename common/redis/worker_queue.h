// worker_queue: what a worker does with the queues of the runs it has joined.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/redis/run_queue.h"

namespace photoscribe::redis {

class WorkerQueue : public RunQueue {
 public:
  using RunQueue::RunQueue;

  /// New tasks, at once, perhaps none. Tasks that cannot be parsed are removed and logged. Each is
  /// charged one delivery until finished or handed back.
  [[nodiscard]] Awaitable<std::vector<Delivery>> read_tasks(std::string incarnation,
                                                            std::string consumer, int count);
  /// The same over several runs, waiting up to `block` (0 < block <= 2 s) until one has work;
  /// `count` is per run. Empty: none came. run_gone when any of the runs lacks its group: read
  /// list_runs() again (protocol.md Q16). Needs a connection used for nothing else.
  [[nodiscard]] Awaitable<std::vector<RunDeliveries>> await_tasks(
      std::vector<std::string> incarnations, std::string consumer, int count, milliseconds block);

  /// Moves our counter, only where :spec exists (H11; run_gone otherwise). `counter` must differ
  /// from the last one.
  [[nodiscard]] Awaitable<void> beat(std::string incarnation, std::string consumer,
                                     std::int64_t counter);

  /// Before processing begins (H10). `in_hand` is everything in hand from now on, batches still
  /// being worked on included: the mark is replaced, not extended. Returns those still in our name,
  /// in order of id; drop the others. `number` must rise with each start() and reclaim() of the
  /// process; a lower one than the last seen by the server was executed late: no effect, empty
  /// list. In doubt: send again with a new number.
  [[nodiscard]] Awaitable<std::vector<EntryId>> start(std::string incarnation, std::string consumer,
                                                      std::int64_t number,
                                                      std::vector<EntryId> in_hand);

  /// One MULTI: publishes `packed` (encode_results) and removes the tasks. run_gone: nothing was
  /// published, drop the work. In doubt: send again (protocol.md Q13). No ownership check: a
  /// zombie's result is welcome (Q12).
  [[nodiscard]] Awaitable<void> finish(std::string incarnation, std::vector<EntryId> ids,
                                       std::string packed);

  /// What note_seen() has kept of photos with these bytes: their scores and, of clear ones, the
  /// caption. None: not there, or nothing that can be read. As many as questions, in their order,
  /// in one round trip of two commands a run.
  [[nodiscard]] Awaitable<std::vector<std::optional<Result>>> find_seen(
      std::vector<SeenQuestion> questions);

  /// Puts back what is still in our name, uncharged, carrying the deliveries charged before (H9).
  /// Other workers wake at once. Returns how many. In doubt: send again.
  [[nodiscard]] Awaitable<int> hand_back(std::string incarnation, std::string consumer,
                                         std::vector<EntryId> ids);

  /// H1, at every reconnect and each half lease: compares what is pending in our name with `held`.
  /// Charges nothing. To be called while no read of this consumer is in flight: entries on their
  /// way would look like strays.
  [[nodiscard]] Awaitable<Renewal> renew(std::string incarnation, std::string consumer,
                                         std::vector<EntryId> held);

  /// One suspect of a dead holder: condemned, handed back or claimed and marked as the only thing
  /// in hand (take suspects with empty hands). Does nothing unless the entry is still the holder's
  /// and its counter is still the one judged (H12).
  [[nodiscard]] Awaitable<Reclaimed> reclaim(std::string incarnation, std::string consumer,
                                             std::int64_t number, EntryId id, Judged holder,
                                             int max_deliveries);

  /// At a clean stop, after hand_back: takes our counter and mark away, and our consumer if it
  /// has nothing pending. Succeeds where the run is gone.
  [[nodiscard]] Awaitable<void> leave(std::string incarnation, std::string consumer);
};

}  // namespace photoscribe::redis
