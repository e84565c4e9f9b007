// run_types: what the store hands out about runs, images and results. Plain structs, no SQLite.
//
// A run is one row with a name; an image is one photo of one run. `asked` images are those that the
// last scan of the run named and found: only they are put into Redis (design.md 2). The rest keep
// their rows and results.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/run_settings.h"
#include "common/core/schedule.h"
#include "common/core/types.h"
#include "common/scores/bleu.h"

namespace photoscribe {

/// Row of table `run`; unique within one database file.
using RunId = std::int64_t;

/// What a person asked of a run. Kept in the database: a paused run stays paused when its scheduler
/// ends.
enum class RunControl : std::uint8_t { running, paused, cancelled };
/// As the database and the control socket have it.
[[nodiscard]] const char* to_string(RunControl control) noexcept;
/// Another word than a known one is running.
[[nodiscard]] RunControl run_control_from(std::string_view name) noexcept;

struct RunRow {
  RunId id = 0;
  std::string name;
  RunControl control = RunControl::running;
  RunSchedule schedule;  // as last asked
  RunSettings settings;
  std::optional<std::string> incarnation;  // none: no keys of this run are in Redis
  std::int64_t cursor = 0;                 // enqueued = queue_seq <= cursor (protocol.md H5)
  std::int64_t created_unix_ms = 0;
  std::optional<std::string> references_file, split_file;  // base names, as text; none: not given
  bool operator==(const RunRow&) const = default;
};

/// What ensure_run() did.
struct EnsuredRun {
  RunRow run;
  bool created = false;
  bool redone = false;                // a redo began: photos that are named now wait again
  std::int64_t became_blurred = 0;    // rejudged: caption taken back
  std::int64_t became_clear = 0;      // rejudged: pending again, to be captioned
  std::int64_t caption_restored = 0;  // rejudged: clear again, with the caption it had before
  std::int64_t became_unsure = 0;     // rejudged: the caption is kept, but not shown any more
  std::int64_t became_sure = 0;       // rejudged: the caption is shown again
};

/// A folder under which photos lie. The name is what travels through Redis.
struct Root {
  std::string name;
  std::string folder;  // absolute, raw bytes, no trailing slash (except "/")
  bool operator==(const Root&) const = default;
};

/// That a walk has been through a whole archive, with what a scan keeps so that the next one need
/// not read it again.
struct WalkedArchive {
  std::string options;  // which of its members are photos of the run; compared, not read
  std::int64_t photos = 0;
  std::string damage;  // why nothing is known of the rest; empty: that was all
  bool again = false;  // unchanged since the last scan: its rows are as they were
  bool operator==(const WalkedArchive&) const = default;
};

/// What becomes of the text that lies beside a photo in a tar (WebDataset: key.jpg, key.txt).
enum class SidecarText : std::uint8_t {
  keep,       // .txt, .json and .cls are kept columns of these names
  reference,  // .txt is a reference caption; the others are kept
  none,
};

/// What came beside a photo (other columns of a list, a sidecar): names and texts, as they were
/// given. An empty text takes back what was kept.
using KeptValues = std::vector<std::pair<std::string, std::string>>;

/// One photo found by a walk, or named by a list.
struct FoundFile {
  int root = 0;                           // index into the roots of the plan (sources.h)
  std::string path;                       // relative to the root, raw bytes
  std::int64_t size_bytes = 0;            // of a member: its own
  std::int64_t mtime_ns = 0;              // of a member: the archive's
  std::int64_t inode = 0;                 // of a member: the archive's
  std::optional<ArchiveMember> member{};  // none: a file of its own
  /// False: named, but not there (or not to be looked at). A photo without a result waits for a
  /// worker to say why; one with a result keeps it, and has vanished.
  bool exists = true;
  KeptValues kept{};
  std::string reference{};  // a reference caption that came with it; empty: none
  /// The file is no photo: it is an archive, after all of its members; or, `again`, in their place.
  std::optional<WalkedArchive> archive{};
};

/// An archive that the last scan of a run has been through.
struct KnownArchive {
  std::string root;  // its name
  FoundFile file;    // with `archive`; `root` says nothing
};

/// What the command names and could not be looked at, or matches nothing: never a success.
struct NotSeen {
  std::string path;        // raw bytes; of several, one
  std::string why;         // text, with what to do about it
  std::int64_t count = 1;  // photos or folders
};

/// What a scan changed in the manifest.
struct ScanCounts {
  std::int64_t added = 0;      // new rows
  std::int64_t changed = 0;    // size or mtime differ, or may be read now: a new attempt
  std::int64_t unchanged = 0;  // had a row already
  std::int64_t returned = 0;   // of `unchanged`: had vanished, or was not asked for last time
  std::int64_t vanished =
      0;  // have a row, lie in a folder that was walked whole, and are not there
  std::int64_t not_asked = 0;          // have a row, and this command does not name them
  std::int64_t repeated = 0;           // named again by the same scan
  std::int64_t redone = 0;             // found under older settings, or in a redo: a new attempt
  std::int64_t left_as_they_were = 0;  // not named, final, under settings that give other results
};

/// An image that is in Redis, or should be.
struct ImageAttempt {
  std::int64_t image_id = 0;
  std::int32_t attempt = 1;
  auto operator<=>(const ImageAttempt&) const = default;
};

/// A task that the reclaim script condemned after max_deliveries crashes.
struct Condemned {
  std::int64_t image_id = 0;
  std::int32_t attempt = 1;
  std::int32_t deliveries = 0;
  std::string worker;  // the last holder
};

/// An entry of the results stream that cannot be parsed.
struct Unparsable {
  std::string entry_id;  // its stream id
  std::string bytes;
  std::string why;
};

/// Everything that one read of the results stream brought. Recorded in one transaction.
struct Incoming {
  std::vector<ResultBatch> batches;
  std::vector<Condemned> condemned;
  std::vector<Unparsable> unparsable;
};

/// What became of one item.
enum class RecordOutcome : std::uint8_t {
  recorded,    // the image is final now
  replaced,    // the image is final: done or blurred took the place of a replaceable failure
  duplicate,   // this attempt had a result already: the first stays
  superseded,  // of an older attempt: refused (protocol.md Q3)
  unknown,     // no such image in this run, or an attempt that was never asked for: refused
  requeued,  // judged with another threshold than the run's: clear, but without a caption, so asked
             // again
};

struct RecordReport {
  std::vector<RecordOutcome> outcomes;  // one per item: batches in order, then condemned
  std::int64_t recorded = 0, replaced = 0, duplicate = 0, superseded = 0, unknown = 0, requeued = 0;
  std::int64_t done = 0, unsure = 0, blurred = 0, failed = 0;  // of recorded + replaced
  std::int64_t quarantined = 0;
  std::vector<Result>
      fresh;  // of recorded + replaced: what photos with the same bytes may take over
};

/// Some of what is worth remembering of a database, newest first.
struct SharedResults {
  std::vector<Result> results;
  std::int64_t next_below = 0;  // where to go on; 0: there are no more
};

/// Images by state. Kept up to date with every change, so reading it costs nothing.
struct StateCounts {
  std::int64_t pending = 0, done = 0, unsure = 0, blurred = 0;
  std::array<std::int64_t, kReasonCount> failed_by_reason{};  // index: Reason
  [[nodiscard]] std::int64_t failed() const;
  [[nodiscard]] std::int64_t finished() const { return done + unsure + blurred + failed(); }
  [[nodiscard]] std::int64_t total() const { return pending + finished(); }
  bool operator==(const StateCounts&) const = default;
};

struct RunCounts {
  StateCounts asked;          // the last command's photos: the run is over when asked.pending is 0
  StateCounts others;         // vanished, or not named by the last command
  std::int64_t vanished = 0;  // of others
  bool operator==(const RunCounts&) const = default;
};

struct FailureGroup {
  Reason reason = Reason::unreadable;
  std::int64_t images = 0;
  std::string example_uri;  // text (see uri below)
  std::string example_detail;
  /// Of `unsupported` alone: how many of each format ("HEIC", "TIFF" …), most frequent first.
  std::vector<std::pair<std::string, std::int64_t>> formats;
};

/// The format that the detail of an unsupported photo begins with: "TIFF" of "TIFF: 4 samples …",
/// "JPEG XL" of "JPEG XL is not supported".
[[nodiscard]] std::string format_of(std::string_view unsupported_detail);

struct CorpusBleu {
  std::int64_t photos = 0;  // asked, with a caption that is shown, and with references
  BleuCounts counts;        // summed: corpus_bleu(counts) is the score
};

struct SkippedExtension {
  std::string extension;  // lower case with its dot; "" for names without one
  std::int64_t files = 0;
};

/// What workers did while a run was at work, over all calls that told of it.
struct WorkDone {
  std::int64_t photos = 0;
  double cpu_s = 0;  // of the workers' processes: all cores, the network on a CPU among it
  [[nodiscard]] double photos_per_core_hour() const {
    return cpu_s > 0 ? 3'600 * static_cast<double>(photos) / cpu_s : 0;
  }
};

struct StoreSummary {
  RunRow run;
  RunCounts counts;
  std::vector<FailureGroup> failures;       // of asked images, most frequent first
  std::vector<SkippedExtension> skipped;    // by the last scan, most frequent first
  std::int64_t images_with_references = 0;  // asked
  std::optional<CorpusBleu> bleu;           // none without references
  std::int64_t equal_photos = 0;            // asked; have the result of one with the same bytes
  std::int64_t near_duplicates = 0;  // asked; have the caption of one that looks nearly the same
  WorkDone work;                     // none: 0
};

struct StoreEvent {
  std::int64_t at_unix_ms = 0;
  std::string level;  // info | warning | error
  std::string kind;   // one word: "reconcile", "worker_died", "quarantine" …
  std::string text;
};

/// What happened to an image at one attempt.
struct AttemptRow {
  std::int32_t attempt = 1;
  std::string outcome;  // done | blurred | failed
  std::optional<std::string> reason, detail;
  std::string worker;
  std::int64_t finished_unix_ms = 0;
};

/// One image with its current result: the columns of view caption_result, and what an export needs
/// beside them.
struct ResultRow {
  std::int64_t image_id = 0;
  std::int32_t attempt = 1;
  std::string run, root;
  std::string uri;   // root folder + path as text; % and bytes that are not UTF-8 as %XX
  std::string path;  // relative to the root, raw bytes
  std::int64_t archive_bytes = 0;  // of path, if it is a member of an archive; else 0
  std::string state;               // pending | done | unsure | blurred | failed
  std::optional<std::string> reason, detail;
  std::optional<double> blur_score;  // by the run's mode
  std::optional<BlurScores> blur_scores;
  double blur_threshold = 0;
  std::optional<std::string> caption;  // of an unsure one, too
  std::optional<double> log_prob;
  std::optional<std::int64_t> tokens;
  std::optional<double> confidence;  // in (0, 1)
  std::optional<CaptionEvidence> evidence;
  std::vector<Concept> concepts;              // falling probability
  std::vector<Alternative> alternatives;      // of an unsure one, too
  std::array<std::optional<double>, 4> bleu;  // sentence BLEU-1..4
  std::optional<int> width_px, height_px;
  std::string model;  // hash
  std::optional<std::string> worker;
  std::optional<std::int64_t> finished_unix_ms;
  std::optional<std::int64_t> read_us, decode_us, caption_us;
  bool preview = false;                    // Result::preview
  std::optional<std::string> sha256;       // of the file's bytes, 64 hex digits
  std::optional<std::string> copied_from;  // uri of the photo whose result this is
  std::optional<std::int64_t> hash_distance;
  bool vanished = false;
  bool asked = true;
  /// What people made of the caption (edits.h); none: nobody edited it, or that was taken back.
  std::optional<std::string> edited_caption, edited_by;
  std::optional<std::int64_t> edited_unix_ms;
  KeptValues kept;  // by the name of the column
};

/// A photo's file, as the last scan saw it.
struct StoredFile {
  std::string folder;  // of its root
  std::string path;    // below it
  std::int64_t size_bytes = 0, mtime_ns = 0;
};

/// A photo that was given another size by us: words were written into it (export --in-place).
struct RewrittenFile {
  std::string folder, path;
  std::int64_t size_before = 0, mtime_ns = 0;
  std::int64_t size_bytes = 0, inode = 0;
};

}  // namespace photoscribe
