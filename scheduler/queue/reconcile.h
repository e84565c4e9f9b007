// reconcile: which tasks must be enqueued again, and which removed, after Redis lost, rewound or
// doubled some of its data.
//
// Pure set differences over the bounded window (design.md 4; protocol.md H5-H8), so that they can
// be tested without a server; reconciler.cpp gathers the inputs in the order that the
// protocol demands and applies the answer. It never touches a photo.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/redis/queue_types.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

struct ReconcilePlan {
  /// XACK + XDEL first: entries of P that are not in S (finished, or of an older attempt), and all
  /// but one of the entries of the same image and attempt.
  std::vector<redis::EntryId> remove;
  /// Then enqueue: S − P, in the order of `unfinished`.
  std::vector<ImageAttempt> enqueue;
};

/// `unfinished`: S, read after the results that were in the stream when (3) began are committed.
/// `window`: P, of one instant before that; the feeder has been at rest since before then.
///
/// Of several entries of one task the most delivered stays, because its count is what protects
/// workers from it; then one that is pending; then the oldest.
[[nodiscard]] ReconcilePlan plan_reconcile(std::span<const ImageAttempt> unfinished,
                                           std::span<const redis::WindowEntry> window);

/// What the scheduler knows without asking Redis.
struct Outstanding {
  std::int64_t enqueued = 0;  // |S|: enqueued and not recorded
  std::int64_t pending = 0;   // images without a final state
  bool feeder_idle = false;   // no command of ours is in flight
  bool all_enqueued = false;  // the cursor has reached the end
};

/// protocol.md H8 and Q7: true when Redis holds nothing that could still finish what is unfinished.
[[nodiscard]] bool is_stranded(const redis::Look& look, const Outstanding& mine);

}  // namespace photoscribe
