// run_queue: the operations on a run's queue, typed; the one owner of key names and scripts.
//
// Implements design.md 4 and rules H1-H12 of the protocol; each operation says which. It decides
// nothing: who is dead, what to enqueue and when to reconcile are the callers' (liveness.h,
// scheduler/). Keys of a run, INC its incarnation: photoscribe:{INC}:tasks (stream, group
// `workers`) :results (stream without group) :spec :state (fence) :workers (beats, in-hand marks)
// :control :seen :seen_before; and the hash photoscribe:runs.
//
// Errors of every operation: those of Connection, and run_gone when the run's keys are not there.
// For a worker run_gone means: drop that run's work, read list_runs() again; for the scheduler:
// reconcile (H4). No operation but make_run creates a key of a run that has no :spec.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/spec.h"
#include "common/core/types.h"
#include "common/redis/connection.h"
#include "common/redis/entry_id.h"
#include "common/redis/liveness.h"

namespace photoscribe::redis {

template <class T>
using Awaitable = asio::awaitable<Expected<T>>;

/// Keys of a run expire this long after the scheduler last renewed them (make_run, look).
inline constexpr std::chrono::hours kRunExpiry{7 * 24};
/// Tasks per script call; enqueue() cuts longer lists itself.
inline constexpr std::size_t kEnqueueMax = 1'000;

/// A line of photoscribe:runs.
struct RunListing {
  std::string incarnation;
  std::string name;  // for people
  int weight = 1;    // turns it gets from the fleet, relative to other runs
  int priority = 0;  // higher first
  bool operator==(const RunListing&) const = default;
};

/// A task in our name.
struct Delivery {
  EntryId id;
  Task task;  // task.deliveries: charged under earlier entries
  int deliveries =
      1;  // charged in all, this one included; above 1 it is a suspect: process it alone (H10)
};

struct RunDeliveries {
  std::string incarnation;
  std::vector<Delivery> tasks;
};

/// What renew() found.
struct Renewal {
  std::vector<EntryId> lost;     // held, but no longer in our name: drop them
  std::vector<Delivery> strays;  // in our name, but not held: take them up, one at a time (H1)
};

/// An entry of the pending list.
struct Pending {
  EntryId id;
  std::string holder;
  int deliveries = 1;  // of this entry alone
};

/// What became of a suspect.
enum class Verdict : std::uint8_t {
  gone,         // holder or counter moved, or the entry is finished: nothing was done
  handed_back,  // its dead holder had not begun it: back in the stream, uncharged (H10)
  condemned,    // delivered max_deliveries times: failed/crashed_worker is published
  claimed,      // now ours, charged, marked in hand
  kept,         // condemn() only: not yet at max_deliveries, stays where it is
};
struct Reclaimed {
  Verdict verdict = Verdict::gone;
  std::optional<Delivery> delivery;  // claimed only
};

/// The dead holder as it was judged (Liveness::dead); a script does nothing if it moved since
/// (H12).
struct Judged {
  std::string name;
  std::optional<std::int64_t> counter;
};

/// What is there of a run (protocol.md Q7: one missing key is a lost run, except `registered`).
struct Presence {
  bool spec = false, tasks = false, group = false, results = false;
  bool registered = false;  // in photoscribe:runs
  std::optional<std::uint64_t>
      fence;  // last one written; not ours: a copied database is at work (Q21)
  [[nodiscard]] bool complete() const noexcept { return spec && tasks && group && results; }
  [[nodiscard]] bool nothing() const noexcept { return !spec && !tasks && !results; }
};

/// The scheduler's idle look.
struct Look {
  bool registered = false;
  bool undelivered = false;         // some entry of tasks is after the group's last-delivered id
  std::int64_t pending = 0;         // entries in the group's pending list
  std::int64_t tasks_length = 0;    // XLEN, ghosts included
  std::int64_t results_length = 0;  // entries (worker batches), not results
  /// H8: with S not empty, time to reconcile.
  [[nodiscard]] bool is_empty() const noexcept {
    return !undelivered && pending == 0 && results_length == 0;
  }
};

/// One task of a reconcile's P: waiting or pending.
struct WindowEntry {
  EntryId id;
  std::int64_t image_id = 0;
  std::int32_t attempt = 1;
  int deliveries = 0;    // charged in all
  bool pending = false;  // in somebody's name
};
/// Reconcile's step (2), all of one instant.
struct Snapshot {
  std::vector<WindowEntry> window;  // P, in order of id
  std::vector<EntryId>
      ghosts;  // delivered and not pending, or not parsable as a task: remove_tasks()
  std::vector<EntryId> dangling;                // pending without an entry: remove_tasks()
  std::optional<std::uint64_t> previous_fence;  // before ours was written
  bool registered = false;
};

/// Whether a list of tasks went in.
enum class Enqueued : std::uint8_t {
  all,
  fenced_off,  // the fence in Redis is not ours: nothing (more) was added; reconcile (H7)
};

/// What withdraw() took out.
struct Withdrawn {
  struct Charged {
    std::int64_t image_id = 0;
    std::int32_t attempt = 1;
    int deliveries = 0;  // charged so far: goes back with the task (Task::deliveries)
  };
  bool fenced_off = false;  // the fence in Redis is not ours: nothing was taken out
  int tasks = 0;
  std::vector<Charged> charged;  // those of them that were in somebody's hand before
};

/// Whether a run has a result for a photo with these bytes.
struct SeenQuestion {
  std::string incarnation;
  ContentHash hash{};
};

/// One entry of the results stream.
struct ResultEntry {
  EntryId id;
  /// A worker's batch; a condemned task is a batch of one Failed{crashed_worker}, `worker` its last
  /// holder.
  ResultBatch batch;
  /// Why the entry cannot be parsed, else empty; then `raw` holds its fields for the quarantine,
  /// each as "<name>=<bytes>\n".
  std::string problem;
  std::string raw;
  /// With a problem, `batch` holds the items that could be read all the same, and this names those
  /// that could not.
  std::vector<BrokenResult> broken;
};

/// Operations over one connection, which must outlive this and its coroutines. Parameters are
/// values, so nothing that the caller passes must stay alive. `id` lists need no order.
class RunQueue {
 public:
  explicit RunQueue(Connection& connection) noexcept : connection_(connection) {}

  // ---- workers and schedulers

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

  // ---- workers

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
  /// in one round trip.
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

  // ---- the scheduler

  /// One MULTI: streams, group at id 0, spec, fence, registration, expiry (H4). May be sent again
  /// in doubt. The incarnation must already be in SQLite.
  [[nodiscard]] Awaitable<void> make_run(RunListing run, RunSpec spec, std::uint64_t fence);
  [[nodiscard]] Awaitable<Presence> presence(std::string incarnation);
  /// Writes the registration (again), where :spec exists.
  [[nodiscard]] Awaitable<void> register_run(RunListing run);

  /// Adds tasks, as long as the fence in :state is ours (H7) and the keys exist (H4). In doubt:
  /// never again, reconcile.
  [[nodiscard]] Awaitable<Enqueued> enqueue(std::string incarnation, std::uint64_t fence,
                                            std::vector<Task> tasks);

  /// Reconcile's step (2) in one MULTI; writes `new_fence` (random_u64()) in the same instant, or
  /// none: then nothing is changed. Needs about 1.5 KiB per entry while it is parsed.
  [[nodiscard]] Awaitable<Snapshot> snapshot(std::string incarnation,
                                             std::optional<std::uint64_t> new_fence);

  /// XACK + XDEL, in pieces; for P − S, duplicates, ghosts and dangling entries.
  [[nodiscard]] Awaitable<void> remove_tasks(std::string incarnation, std::vector<EntryId> ids);

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

 private:
  Connection& connection_;
};

}  // namespace photoscribe::redis
