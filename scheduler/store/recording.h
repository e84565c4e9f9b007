// recording: what a scheduler at work keeps of its run: by which keys Redis knows it, which tasks
// are enqueued, and what became of them.
//
// A part of Store (store.h), whose rules hold for every call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

struct StoreDatabase;

class Recording {
 public:
  // --- what Redis knows the run by (protocol.md H7, H11, Q21) ---

  /// Stores `incarnation` as the run's own, before its first use; the one before becomes a past
  /// one.
  [[nodiscard]] Status begin_incarnation(RunId run, const std::string& incarnation);
  /// The run's keys are to be deleted: its incarnation becomes a past one and the run has none.
  [[nodiscard]] Status end_incarnation(RunId run);
  /// Every past incarnation of the run, oldest first: their keys are deleted at every reconcile and
  /// at the end.
  [[nodiscard]] Expected<std::vector<std::string>> past_incarnations(RunId run);
  /// Forgets past incarnations that ended before `unix_ms`: keys expire, so nothing can bring them
  /// back.
  [[nodiscard]] Status forget_incarnations(RunId run, std::int64_t unix_ms);

  // --- feeding Redis (design.md 4; protocol.md H5, H6) ---

  /// The next `count` tasks after the cursor, in queue order, and the cursor moved behind them, in
  /// one transaction that is committed when this returns: now they are "enqueued", so XADD them.
  /// Fewer than `count` when no more wait. Costs O(count). An XADD that fails is mended by
  /// reconcile, not here.
  [[nodiscard]] Expected<std::vector<Task>> take_tasks(RunId run, std::size_t count);
  /// S: enqueued, asked for and unfinished, in queue order. At most the window's size when the
  /// caller keeps to it; costs O(result).
  [[nodiscard]] Expected<std::vector<ImageAttempt>> unfinished_enqueued(RunId run);
  /// Tasks to enqueue again (reconcile step 4). Leaves out pairs that are not unfinished any more.
  [[nodiscard]] Expected<std::vector<Task>> tasks_of(RunId run,
                                                     std::span<const ImageAttempt> images);

  // --- results ---

  /// Everything in `incoming`, in one transaction with synchronous=FULL: XDEL only after this
  /// returned. Applies design.md 4's rule within an attempt, and judges by the run's own threshold.
  /// Sentence BLEU is stored with a caption whose photo has references.
  [[nodiscard]] Expected<RecordReport> record(RunId run, const Incoming& incoming);
  /// Results that photos with the same bytes may take over in this run: done and blurred ones of
  /// any run under the same key, with their content hash; of at most `rows` rows below `below`
  /// (none: from the newest on).
  [[nodiscard]] Expected<SharedResults> results_to_share(RunId run,
                                                         std::optional<std::int64_t> below,
                                                         std::int64_t rows);

  // --- search: photos are indexed outside the recorder's transaction ---

  /// Indexes at most `count` results, edits and photos whose kept values changed since the last
  /// call; returns how many it looked at, 0 when nothing is left. Call when idle.
  [[nodiscard]] Expected<std::int64_t> index_captions(std::size_t count);

  // --- events ---

  [[nodiscard]] Status add_event(RunId run, std::string_view level, std::string_view kind,
                                 std::string_view text);
  /// For StoreSummary::work; an event that Lookup::events() leaves out.
  [[nodiscard]] Status add_work(RunId run, const WorkDone& work);

 protected:
  explicit Recording(StoreDatabase& database) : impl_(&database) {}
  Recording(const Recording&) = default;
  Recording& operator=(const Recording&) = default;
  ~Recording() = default;

 private:
  StoreDatabase* impl_;
};

}  // namespace photoscribe
