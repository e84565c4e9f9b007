// store_impl: shared by the files that implement Store, and private to them.
//
// Functions here throw SQLite::Exception and are called inside Database::read and write only.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "common/scores/bleu.h"
#include "common/sqlite/database.h"
#include "common/sqlite/lock_file.h"
#include "common/sqlite/storage.h"
#include "common/text/utf8.h"
#include "scheduler/store/record_rule.h"
#include "scheduler/store/run_types.h"
#include "scheduler/store/store.h"

namespace photoscribe {

[[nodiscard]] std::string_view name_of(ImageState state) noexcept;
[[nodiscard]] ImageState state_from(std::string_view name) noexcept;

/// Milliseconds since 1970, UTC.
[[nodiscard]] inline std::int64_t now_unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// A path as part of a `uri`: bytes that are not UTF-8 as %XX, and % itself as %25, so that no two
/// paths have the same text.
[[nodiscard]] std::string uri_part(std::string_view path);

/// That text where it differs from the path, for the database.
[[nodiscard]] inline std::optional<std::string> text_if_needed(std::string_view path) {
  if (is_valid_utf8(path) && path.find('%') == std::string_view::npos) return std::nullopt;
  return uri_part(path);
}

/// Root folder + path, each as uri_part(); of a web server's photo the URL that it is.
[[nodiscard]] std::string uri_of(std::string_view folder, std::string_view path);

/// Changes to table run_count, gathered during a transaction and written at its end.
class CountChanges {
 public:
  explicit CountChanges(RunId run) : run_(run) {}
  void add(bool asked, std::string_view state, std::string_view reason, std::int64_t images) {
    changes_[{asked, std::string(state), std::string(reason)}] += images;
    vanishing_ = vanishing_ || state == "vanished";
  }
  void flush(sqlite::Database& db);

 private:
  RunId run_;
  std::map<std::tuple<bool, std::string, std::string>, std::int64_t> changes_;
  bool vanishing_ = false;  // photos vanished or came back, perhaps as many of each
};

/// Rows of run_settings, by what a scan does with images attempted under them.
struct Stale {
  std::int64_t now = 0;          // the run's own
  std::set<std::int64_t> redo;   // pending again once they are named
  std::set<std::int64_t> other;  // give other results than the run's own
};

struct StoreDatabase {
  struct UsedSettings {
    std::int64_t settings_id = 0;
    RunSettings settings;
  };

  std::optional<sqlite::LockFile> lock;  // outlives the connection
  sqlite::Database db;

  /// Locked for this process, and migrated; as Store::open_writer().
  [[nodiscard]] static Expected<std::unique_ptr<StoreDatabase>> open_locked(
      const std::string& path, const BeforeMigration& before = {});

  StoreDatabase(std::optional<sqlite::LockFile> held, sqlite::Database database)
      : lock(std::move(held)), db(std::move(database)) {}

  /// None when there is no such run; an error when its settings cannot be read.
  [[nodiscard]] Expected<std::optional<RunRow>> run_row(RunId run);
  [[nodiscard]] Expected<RunRow> require_run(RunId run);
  /// Row of table `worker`, made when absent.
  [[nodiscard]] std::int64_t worker_id(const std::string& name);
  /// Recounts the run's images, after a change to many.
  void recount(RunId run);
  /// Gives queue_seq `count` new numbers; the first of them.
  [[nodiscard]] std::int64_t extend_queue(RunId run, std::int64_t count);

  /// Columns member_offset and archive_bytes from `column` on; none where they are NULL.
  [[nodiscard]] static std::optional<ArchiveMember> member(const sqlite::Query& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return ArchiveMember{row.integer(column), static_cast<std::int32_t>(row.integer(column + 1))};
  }

  // change_run.cpp
  /// Every settings that the run has or had.
  [[nodiscard]] Expected<std::vector<UsedSettings>> used_settings(RunId run);
  /// Settings rows whose images must be pending again when a scan finds them (usually
  /// none).
  [[nodiscard]] Expected<Stale> stale_settings(RunId run, bool redo);
  /// The scan is complete: from now on a redo is just pending images.
  void redo_scanned(RunId run);
  /// Judges the scores that are on the scale of `blur`.
  [[nodiscard]] Status rejudge(RunId run, const BlurSettings& was, const BlurSettings& blur,
                               EnsuredRun& report);
  /// Makes blur_score that of `mode`, from the stored scores, where an image has one of these
  /// settings; images without stored scores go into temp.rejudged, to be measured again.
  void score_by_mode(RunId run, BlurMode mode, const std::string& settings_ids);

  // judge_captions.cpp
  /// Five columns of `result` from `column` on; none where they are NULL.
  [[nodiscard]] static std::optional<CaptionEvidence> evidence(const sqlite::Query& row,
                                                               int column);
  void add_concepts(std::int64_t result_id, const std::vector<Concept>& concepts);
  [[nodiscard]] std::vector<Concept> concepts(std::int64_t result_id);
  /// Recomputes how likely each caption of the run's current model is right.
  void judge_confidence(RunId run, const std::optional<ConfidenceModel>& model);
  struct Unsure {
    std::int64_t became_unsure = 0, became_sure = 0;
  };
  /// Marks the run's captions by their stored confidence, whichever model's it is: probabilities
  /// compare.
  Unsure judge_unsure(RunId run, double min_confidence);

  // caption_looks.cpp
  /// What a caption has beside it: its alternatives and its attention.
  void add_looks(std::int64_t result_id, const Caption& caption);
  [[nodiscard]] std::vector<Alternative> alternatives(std::int64_t result_id);
  [[nodiscard]] std::optional<AttentionMaps> attention(std::int64_t result_id);
  /// `pairs`: a query of results from_id, and to_id that have the same caption.
  void copy_looks(const std::string& pairs);

  // index_photos.cpp
  /// Indexes for search what changed of at most `count` photos; how many it looked at.
  std::int64_t index_photos(std::size_t count);

  // score_captions.cpp
  [[nodiscard]] std::vector<std::string> references(std::int64_t image_id);
  /// In place of those that it had, whose scores go.
  void set_references(std::int64_t image_id, const std::vector<std::string>& captions);
  /// Stores counts and sentence BLEU of one caption.
  void score(std::int64_t result_id, const std::string& caption,
             const std::vector<std::string>& references);
  /// Scores the captions of the current results that have references and no scores. At most once
  /// per import.
  void score_missing(RunId run);
};

}  // namespace photoscribe
