// manifest: what a run is: its settings, its photos as found on disk, what was asked of it. For
// verbs that change a run; the results of its photos are recorded by Recording.
//
// A part of Store (store.h), whose rules hold for every call.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "common/scores/caption_file.h"
#include "scheduler/store/run_types.h"
#include "scheduler/store/scan.h"

namespace photoscribe {

struct StoreDatabase;

class Manifest {
 public:
  // --- runs ---

  /// The run of this name, created if absent (design.md 2, "What a run is").
  ///
  /// Same settings: the same run continues. Another blur_threshold: every stored score is rejudged
  /// (see EnsuredRun). Model, search, blur mode or preprocessing differ: fails with `usage`,
  /// naming what differs and the choices --new-run NAME and --redo.
  ///
  /// With `redo` the run takes the new settings (or the same again), and photos are pending again
  /// under a raised attempt when the next scan finds them, or redo_known() is called; those that
  /// are not named keep what they have. A redo that ended before its last photo continues with the
  /// next `redo`; a new one begins only with other settings, or once all its photos are
  /// final.
  ///
  /// After a change of what workers read, the scheduler makes a new incarnation once it has
  /// recorded what was finished under the old one.
  [[nodiscard]] Expected<EnsuredRun> ensure_run(const std::string& name,
                                                const RunSettings& settings, bool redo = false);

  // --- photos ---

  /// Every root of the database, whichever run: the same folder has one name everywhere. For
  /// plan_sources().
  [[nodiscard]] Expected<std::vector<Root>> known_roots();
  /// Folders and files out of its roots into which links of the run may lead (--follow-links, and
  /// what named links lead to): absolute and real, raw bytes.
  [[nodiscard]] Expected<std::vector<std::string>> link_stores(RunId run);
  [[nodiscard]] Status add_link_stores(RunId run, const std::vector<std::string>& paths);
  /// The archives that scans of the run have been through, for a walk that need not read them
  /// again.
  [[nodiscard]] Expected<std::vector<KnownArchive>> known_archives(RunId run);
  /// Photos of the run in this folder of a root ("": all of it), the vanished ones left out.
  [[nodiscard]] Expected<std::int64_t> photos_in(RunId run, const std::string& root,
                                                 const std::string& folder);
  /// Begins to compare the manifest with the files on disk. One scan at a time; dropping it without
  /// finish() keeps what was added and marks nothing as vanished. See class Scan.
  /// Photos whose attempt was made under settings that give other results are pending again; with
  /// `redo` those of any older settings.
  [[nodiscard]] Expected<Scan> begin_scan(RunId run, std::vector<Root> roots, bool redo = false);
  /// Photos pending for their first attempt and never enqueued get the result that another run of
  /// the database has under the same key (model, search, preprocessing; design.md 5), if the file
  /// is the same by root, path, size, mtime and inode; the verdict is the run's own. How many.
  [[nodiscard]] Expected<std::int64_t> reuse_results(RunId run);

  /// The rows of these photos, of every run, know them by their new size and inode: the next scan
  /// finds nothing changed. A row with another size or time than `before` stays as it is.
  [[nodiscard]] Status note_rewritten(std::span<const RewrittenFile> files);

  // --- changing a run ---

  /// In place of a scan, for a command that names no photos: images that were asked for last time
  /// and whose attempt was made under settings that give other results (with `redo`: under any
  /// older ones) are pending again. How many.
  [[nodiscard]] Expected<std::int64_t> redo_known(RunId run, bool redo);
  /// Failed images that the last scan found are pending again under a raised attempt: all, or
  /// those of `reasons`. Returns how many.
  [[nodiscard]] Expected<std::int64_t> retry_failed(RunId run,
                                                    std::span<const Reason> reasons = {});
  /// The same for those of `images` that failed in this run.
  [[nodiscard]] Expected<std::int64_t> retry_images(RunId run,
                                                    std::span<const std::int64_t> images);
  [[nodiscard]] Status set_control(RunId run, RunControl control);
  /// What a scheduler that serves the run needs to watch its folders; empty: it does not.
  [[nodiscard]] Status set_watched(RunId run, const std::string& submission);
  /// As last given; kept for a scheduler that serves the run without its command line.
  [[nodiscard]] Status set_schedule(RunId run, const RunSchedule& schedule);

  // --- references (common/scores/caption_file.h reads the files) ---

  /// Sets the references of the run's images whose file name is `file_name` (each gets them when
  /// several folders hold one of that name), replacing those it had. Existing captions are
  /// scored. Returns the number of images matched.
  [[nodiscard]] Expected<std::int64_t> set_references(RunId run,
                                                      std::span<const NamedReferences> references);
  /// What a run is scored on, by name, for the signature of its scores. An empty split: none.
  [[nodiscard]] Status set_references_file(RunId run, const std::string& base_name);
  [[nodiscard]] Status set_split_file(RunId run, const std::string& base_name);

 protected:
  explicit Manifest(StoreDatabase& database) : impl_(&database) {}
  Manifest(const Manifest&) = default;
  Manifest& operator=(const Manifest&) = default;
  ~Manifest() = default;

 private:
  StoreDatabase* impl_;
};

}  // namespace photoscribe
