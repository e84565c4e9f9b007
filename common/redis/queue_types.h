// queue_types: what the queue's operations take and give.
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
enum class ReclaimVerdict : std::uint8_t {
  gone,         // holder or counter moved, or the entry is finished: nothing was done
  handed_back,  // its dead holder had not begun it: back in the stream, uncharged (H10)
  condemned,    // delivered max_deliveries times: failed/crashed_worker is published
  claimed,      // now ours, charged, marked in hand
  kept,         // condemn() only: not yet at max_deliveries, stays where it is
};
struct Reclaimed {
  ReclaimVerdict verdict = ReclaimVerdict::gone;
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
      fence;  // last one written; not ours: a copied database is in use (Q21)
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
  /// Since the first entry of tasks was put there, by the server's clock; 0: there is none.
  milliseconds oldest_age{0};
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
  bool pending = false;  // in a consumer's name
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
enum class EnqueueOutcome : std::uint8_t {
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
  std::vector<Charged> charged;  // those of them that were in a worker's hand
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

}  // namespace photoscribe::redis
