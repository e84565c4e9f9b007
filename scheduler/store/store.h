// store: the SQLite database of an archive: the truth about every run (design.md 2, 5).
//
// One process writes at a time, kept so by a lock file beside the database; any number read. Every
// call is one short transaction: it has happened whole or not at all, also after kill -9 or a full
// disk. It knows nothing of Redis beyond the numbers it keeps for it.
//
// Not thread-safe: one thread at a time, and calls block for milliseconds (a full scan or rejudge
// for longer), so never on an io_context (style.md 5).
//
// Errors of every call: store_busy (transient), store_full, store_failure (style.md 3). All of them
// leave the database as it was, and say what to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "common/scores/caption_file.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

class Scan;

/// Told before an older database is brought to this program's schema, with both numbers: with ten
/// million photos it may take minutes.
using BeforeMigration = std::function<void(int from, int to)>;

class Store {
 public:
  /// Opens for writing: takes the lock, creates the file and its folder's entry when absent,
  /// migrates.
  ///
  /// Fails with store_locked when another process writes (the message names its pid and host; exit
  /// status 3), with store_failure on a network or FUSE file system, a newer schema, a file that is
  /// no database, a read-only place.
  [[nodiscard]] static Expected<Store> open_writer(const std::string& path,
                                                   const BeforeMigration& before = {});

  /// Opens for reading, also while a writer is at work. Never creates or migrates: an older schema
  /// is refused with the advice to run a writing verb once. Calls that write fail with
  /// store_failure.
  [[nodiscard]] static Expected<Store> open_reader(const std::string& path);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // --- runs ---

  /// The run of this name, made when absent (design.md 2, "What a run is").
  ///
  /// Same settings: the same run goes on. Another blur_threshold: every stored score is judged
  /// again (see EnsuredRun). Model, search, blur mode or preprocessing differ: fails with `usage`,
  /// naming what differs and the choices --new-run NAME and --redo.
  ///
  /// With `redo` the run takes the new settings (or the same once more), and photos wait again
  /// under a raised attempt when the next scan finds them, or redo_known() is called; those that
  /// are not named keep what they have. A redo that was ended before its last photo goes on with
  /// the next `redo`; only with other settings, or once all its photos are final, does one begin
  /// anew.
  ///
  /// After a change of what workers read, the scheduler makes a new incarnation once it has
  /// recorded what was finished under the old one.
  [[nodiscard]] Expected<EnsuredRun> ensure_run(const std::string& name,
                                                const RunSettings& settings, bool redo = false);
  /// What ensure_run would refuse, or none: for --dry-run. Empty also when there is no such run.
  [[nodiscard]] Expected<std::string> settings_conflict(const std::string& name,
                                                        const RunSettings& settings);

  [[nodiscard]] Expected<std::optional<RunRow>> find_run(const std::string& name);
  [[nodiscard]] Expected<RunRow> run(RunId run);
  /// All runs, oldest first.
  [[nodiscard]] Expected<std::vector<RunRow>> runs();

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

  // --- manifest ---

  /// Every root of the database, whichever run: the same folder has one name everywhere. For
  /// plan_sources().
  [[nodiscard]] Expected<std::vector<Root>> known_roots();
  /// Roots of the run, in the order in which they were added to the database.
  [[nodiscard]] Expected<std::vector<Root>> roots(RunId run);
  /// Folders and files out of its roots into which links of the run may lead (--follow-links, and
  /// what named links lead to): absolute and real, raw bytes.
  [[nodiscard]] Expected<std::vector<std::string>> link_stores(RunId run);
  [[nodiscard]] Status add_link_stores(RunId run, const std::vector<std::string>& paths);
  /// Photos of the run in this folder of a root ("": all of it), the vanished ones left out.
  [[nodiscard]] Expected<std::int64_t> photos_in(RunId run, const std::string& root,
                                                 const std::string& folder);
  /// Begins to compare the manifest with what lies on disk. One scan at a time; dropping it without
  /// finish() leaves what was added and marks nothing as vanished. See class Scan.
  /// Photos whose attempt was made under settings that give other results wait again, with `redo`
  /// those of any older settings.
  [[nodiscard]] Expected<Scan> begin_scan(RunId run, std::vector<Root> roots, bool redo = false);

  // --- feeding Redis (design.md 4; protocol.md H5, H6) ---

  /// The next `count` tasks after the cursor, in queue order, and the cursor moved behind them, in
  /// one transaction that is committed when this returns: now they are "enqueued", so XADD them.
  /// Fewer than `count` when no more wait. Costs O(count). An XADD that fails is mended by
  /// reconcile, not here.
  [[nodiscard]] Expected<std::vector<Task>> take_tasks(RunId run, std::size_t count);
  /// S: enqueued, asked for and unfinished, in queue order. At most the window's size when the
  /// caller keeps to it; costs O(result).
  [[nodiscard]] Expected<std::vector<ImageAttempt>> unfinished_enqueued(RunId run);
  /// |S|, by counting; O(|S|).
  [[nodiscard]] Expected<std::int64_t> unfinished_enqueued_count(RunId run);
  /// Tasks to enqueue again (reconcile step 4). Leaves out pairs that are not unfinished any more.
  [[nodiscard]] Expected<std::vector<Task>> tasks_of(RunId run,
                                                     std::span<const ImageAttempt> images);

  // --- recording ---

  /// Everything in `incoming`, in one transaction with synchronous=FULL: XDEL only after this
  /// returned. Applies design.md 4's rule within an attempt, and judges by the run's own threshold.
  /// Sentence BLEU is stored with a caption whose photo has references.
  [[nodiscard]] Expected<RecordReport> record(RunId run, const Incoming& incoming);

  /// Photos that wait for their first attempt and were never enqueued get what another run of the
  /// database has under the same key (model, search, preprocessing; design.md 5), where the file is
  /// the same by root, path, size, mtime and inode; the verdict is the run's own. How many.
  [[nodiscard]] Expected<std::int64_t> reuse_results(RunId run);

  /// Results that photos with the same bytes may take over in this run: done and blurred ones of
  /// any run under the same key, with their content hash; of at most `rows` rows below `below`
  /// (none: from the newest on).
  [[nodiscard]] Expected<SharedResults> results_to_share(RunId run,
                                                         std::optional<std::int64_t> below,
                                                         std::int64_t rows);

  // --- changing a run's mind ---

  /// In place of a scan, for a command that names no photos: images that were asked for last time
  /// and whose attempt was made under settings that give other results (with `redo`: under any
  /// older ones) wait again. How many.
  [[nodiscard]] Expected<std::int64_t> redo_known(RunId run, bool redo);

  /// Failed images that the last scan named and found wait again under a raised attempt: all, or
  /// those of `reasons`. Returns how many.
  [[nodiscard]] Expected<std::int64_t> retry_failed(RunId run,
                                                    std::span<const Reason> reasons = {});
  /// The same for those of `images` that are failed images of the run.
  [[nodiscard]] Expected<std::int64_t> retry_images(RunId run,
                                                    std::span<const std::int64_t> images);
  [[nodiscard]] Status set_control(RunId run, RunControl control);
  /// As last asked; kept for a scheduler that serves the run without its command line.
  [[nodiscard]] Status set_schedule(RunId run, const RunSchedule& schedule);

  // --- references (common/scores/caption_file.h reads the files) ---

  /// Sets the references of the run's images whose file name is `file_name` (each gets them when
  /// several folders hold one of that name), replacing those it had. Captions that are there
  /// already are scored. Returns the number of images matched.
  [[nodiscard]] Expected<std::int64_t> set_references(RunId run,
                                                      std::span<const NamedReferences> references);
  [[nodiscard]] Expected<std::vector<std::string>> references_of(std::int64_t image_id);
  /// What a run is scored on, by name, for the signature of its scores. An empty split: none.
  [[nodiscard]] Status set_references_file(RunId run, const std::string& base_name);
  [[nodiscard]] Status set_split_file(RunId run, const std::string& base_name);

  // --- looking ---

  [[nodiscard]] Expected<RunCounts> counts(RunId run);
  [[nodiscard]] Expected<StoreSummary> summary(RunId run);
  /// Calls `row` for every image of the run, by image id, in short reads of a page each; stops at
  /// the first error that `row` returns and passes it on.
  [[nodiscard]] Status for_each_result(RunId run,
                                       const std::function<Status(const ResultRow&)>& row);

  /// Failed images of the run by id, those of `reasons` or all, at most `count`: its dead letters
  /// (design.md 4).
  [[nodiscard]] Expected<std::vector<ResultRow>> failed_images(RunId run,
                                                               std::span<const Reason> reasons,
                                                               std::size_t count);
  /// Any image of any run; none when there is no such number.
  [[nodiscard]] Expected<std::optional<ResultRow>> image(std::int64_t image_id);
  /// Its attempts that have a result, first to last.
  [[nodiscard]] Expected<std::vector<AttemptRow>> attempts(std::int64_t image_id);

  // --- search: captions are indexed outside the recorder's transaction ---

  /// Indexes the captions of at most `count` results recorded since the last call; returns how many
  /// results it looked at, 0 when nothing is left. Call when idle.
  [[nodiscard]] Expected<std::int64_t> index_captions(std::size_t count);
  /// Current captions that match an FTS5 query, best first. Fails with `usage` on a malformed
  /// query.
  [[nodiscard]] Expected<std::vector<ResultRow>> search(const std::string& query,
                                                        std::size_t count);

  // --- the rest ---

  [[nodiscard]] Status add_event(RunId run, std::string_view level, std::string_view kind,
                                 std::string_view text);
  /// The last `count` events, newest first.
  [[nodiscard]] Expected<std::vector<StoreEvent>> events(RunId run, std::size_t count);

  /// Of a writer: sqlite::Database::empty_log().
  [[nodiscard]] Expected<std::int64_t> empty_log();

  struct Impl;  // store_impl.h

 private:
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Copies the whole database to `copy` (SQLite's backup API) while others read and write, whatever
/// its schema. Refuses an existing file; leaves nothing behind when it fails.
[[nodiscard]] Status copy_database(const std::string& database, const std::string& copy);

/// One pass over a run's sources: rows for new photos, a new attempt for changed ones. Must not
/// outlive its store. Nothing but a bit per image is kept in memory.
class Scan {
 public:
  /// The part of a root that was walked whole: what has a row there and was not found has vanished.
  struct Walked {
    int root = 0;             // index into the roots given to begin_scan
    std::string prefix;       // relative folder or file; "" is the whole root
    bool every_name = false;  // files without an image extension were looked for, too (--all-files)
  };

  /// A folder or file of a root of which it is not known what is in it.
  struct Unknown {
    int root = 0;
    std::string prefix;  // as in Walked
  };

  /// Adds or compares these files, in one transaction. Cheapest in batches of thousands. A file
  /// that is named twice counts once.
  [[nodiscard]] Status add(std::span<const FoundFile> files);

  /// Ends the scan: images that were not found are no longer asked for; those that lie in one of
  /// `walked` are marked vanished (pass nothing when a filter, a limit or an unreadable folder
  /// makes "not found" mean nothing). What was not found below one of `unknown` stays exactly as it
  /// was. Stores `skipped` for the summary.
  [[nodiscard]] Expected<ScanCounts> finish(std::span<const Walked> walked,
                                            std::span<const SkippedExtension> skipped,
                                            std::span<const Unknown> unknown = {});

  Scan(Scan&&) noexcept;
  Scan& operator=(Scan&&) noexcept;
  ~Scan();

 private:
  friend class Store;
  struct Impl;
  explicit Scan(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace photoscribe
