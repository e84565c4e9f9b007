#include "scheduler/queue/reconcile.h"

#include <map>
#include <set>
#include <tuple>

namespace photoscribe {
namespace {

/// True when `a` is the one to keep.
bool outranks(const redis::WindowEntry& a, const redis::WindowEntry& b) {
  return std::tuple(a.deliveries, a.pending, b.id) > std::tuple(b.deliveries, b.pending, a.id);
}

}  // namespace

ReconcilePlan plan_reconcile(std::span<const ImageAttempt> unfinished,
                             std::span<const redis::WindowEntry> window) {
  ReconcilePlan plan;
  const std::set<ImageAttempt> wanted(unfinished.begin(), unfinished.end());
  std::map<ImageAttempt, const redis::WindowEntry*> kept;
  for (const redis::WindowEntry& entry : window) {
    const ImageAttempt task{entry.image_id, entry.attempt};
    if (!wanted.contains(task)) {
      plan.remove.push_back(entry.id);
      continue;
    }
    const redis::WindowEntry*& best = kept[task];
    if (best == nullptr) {
      best = &entry;
    } else if (outranks(entry, *best)) {
      plan.remove.push_back(best->id);
      best = &entry;
    } else {
      plan.remove.push_back(entry.id);
    }
  }
  for (const ImageAttempt& task : unfinished) {
    if (!kept.contains(task)) plan.enqueue.push_back(task);
  }
  return plan;
}

bool is_stranded(const redis::Look& look, const Outstanding& mine) {
  if (!look.is_empty() || !mine.feeder_idle) return false;
  return mine.enqueued > 0 || (mine.all_enqueued && mine.pending > 0);
}

}  // namespace photoscribe
