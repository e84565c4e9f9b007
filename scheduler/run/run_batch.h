// run_batch: the main job. Photos in, captions in SQLite, with everything between started and
// stopped.
//
// One call does what `photoscribe run` promises: opens the database as its one writer, walks the
// photos into the run's manifest, starts a private Redis and worker processes (or uses a server
// that is named), feeds, records and reconciles until every image has a final state, and sums up.
// Calling it again with the same request is how a run is resumed. It prints nothing: a RunObserver
// is told.
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/core/error.h"
#include "common/core/remote_settings.h"
#include "common/core/spec.h"
#include "scheduler/run_events.h"
#include "scheduler/sources/list_options.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

class RunMonitor;

/// What a person asked for. Paths are raw bytes, relative to the current folder or absolute.
struct RunRequest {
  std::vector<std::string> photos;  // folders, single files, URLs; none: the run's own photos again
  std::vector<std::string> lists;   // files that name photos, beside `photos`; "-": standard input
  ListOptions list;                 // of all of them
  std::vector<std::string> url_lists;  // files of one URL a line; "-": standard input
  RemoteSettings remote;               // of this machine: to list buckets, and for its workers
  bool sidecars = true;  // what exports of Takeout, Facebook … say of their photos is kept
  std::string database = "archive.db";  // made when absent
  std::string run = "default";          // --new-run NAME: another name in the same database
  std::string model_folder;             // given to the workers
  /// Altering ones are a run's own: a change is refused unless `redo`.
  RunSettings settings;
  LeaseSettings lease;
  std::vector<std::string> follow_links;      // out of the folders named, links may lead there
  std::vector<std::string> include, exclude;  // globs over names and relative paths
  bool all_files = false;                     // files with any extension
  bool archives = false;  // archives in folders, too; those that are named always
  SidecarText sidecar_text = SidecarText::keep;  // beside photos in tars
  std::string references_file;                   // empty: none
  bool strict_references = false;                // refuse them with a wrong entry
  std::string split_file;     // empty: none; else only the photos of that list, or
                              // of that split of references_file
  std::int64_t limit = 0;     // > 0: only the first this many that the walk finds
  bool dry_run = false;       // count only, on a copy of the database
  bool retry_failed = false;  // failed photos get another attempt
  bool redo = false;          // the photos named get another attempt, with these settings
  RunSchedule schedule;
  bool watch = false;  // go on until a stop is asked for, with what comes into the folders
  int watch_rescan_s = 600;
  bool keep_on_finish = false;  // in the database, for the scheduler that serves the run
  /// Seconds since 1970, for schedule.between.
  std::function<std::int64_t()> unix_clock = [] { return std::int64_t{std::time(nullptr)}; };
  std::int64_t window = 50'000;           // tasks enqueued and not recorded, at most
  std::int64_t remembered_max = 500'000;  // results in Redis for photos with equal bytes; 0: none

  int workers = 1;                // worker processes on this machine; 0: only remote ones
  std::string devices = "auto";   // auto | cpu | cuda:0,cuda:1
  int batch = 0;                  // photos per network call; 0: the worker decides
  int threads = 0;                // decoding threads per worker; 0: the worker decides
  std::string worker_executable;  // path of photoscribe-worker
  std::vector<std::string> worker_arguments;  // more arguments, handed on as they are
  std::string redis_url;  // empty: a private server; else redis:, rediss: or unix:
  std::string redis_server_executable =
      "redis-server";                   // for the private server; looked up in PATH
  std::string state_folder;             // logs and process ids; empty: DATABASE.state beside it
  std::shared_ptr<RunMonitor> monitor;  // is told how it gets on; null: nobody asks
};

struct FailureCount {
  std::string reason;  // the name that the database has, such as "truncated"
  std::int64_t count = 0;
  std::string example;  // root folder + path of one such photo, raw bytes
  std::string detail;   // what was said about that one
  std::vector<std::pair<std::string, std::int64_t>> formats = {};  // FailureGroup
};

/// Corpus BLEU-1..4 in [0, 1] over the captioned photos that have references (design.md 8).
struct BleuSummary {
  double bleu[4] = {0, 0, 0, 0};
  std::int64_t photos = 0;              // with a caption that is shown, and references
  std::int64_t without_references = 0;  // captioned photos of the run that have none
};

enum class RunEnd : std::uint8_t {
  complete,    // every image has a final state
  incomplete,  // the same of what could be looked at: RunSummary::not_seen has the rest
  stopped,     // drained on request: run it again
  paused,      // the run is paused: nothing was started
  cancelled,   // by a request while it ran
  killed,      // stopped at once on the second request
};

struct RunSummary {
  RunEnd end = RunEnd::complete;
  RunControl control = RunControl::running;  // of the run, as it is in the database now
  std::string run, database, state_folder;
  bool dry_run = false;
  bool nothing_to_do = false;  // everything was final before a worker had to start

  std::int64_t total = 0, done = 0, unsure = 0, blurred = 0, failed = 0,
               pending = 0;                                                    // the whole run
  std::int64_t done_now = 0, unsure_now = 0, blurred_now = 0, failed_now = 0;  // in this call
  [[nodiscard]] std::int64_t finished_now() const {
    return done_now + unsure_now + blurred_now + failed_now;
  }
  double min_confidence = 0;  // what makes a caption unsure; 0: nothing
  std::int64_t added = 0, changed = 0, vanished = 0, retried = 0, redone = 0;  // in this call
  std::int64_t reused = 0;  // of `added`: results of another run of the database, taken over

  std::int64_t equal_photos = 0, near_duplicates = 0;  // none of failed ones: StoreSummary

  std::vector<FailureCount> failures;                         // most frequent first
  std::vector<std::pair<std::string, std::int64_t>> skipped;  // by extension, most frequent first
  std::vector<std::string> notes;   // link loops, what was left out of the references …
  std::vector<NotSeen> not_seen;    // the first of what could not be looked at
  std::int64_t not_seen_count = 0;  // photos and folders; more than those with a `path` here
  std::optional<BleuSummary> bleu;  // when the run has references

  double wall_s = 0;
  double captioning_s = 0;                    // from the first task to the last result
  double photos_per_s = 0;                    // recorded in this call per second of captioning_s
  WorkDone work;                              // of the workers in this call
  std::optional<std::int64_t> finish_unix_s;  // as last forecast, of a run that keeps hours
  int worker_restarts = 0;
  std::int64_t workers_peak_bytes = 0;    // largest sum of the workers' resident memory seen
  std::int64_t scheduler_peak_bytes = 0;  // of this process
  std::int64_t redis_peak_bytes = 0;      // of the private server; 0 with redis_url
};

/// Runs the job to its end, or until `stop` says so.
///
/// Fails with usage (a request that contradicts itself, settings that differ from the run's: the
/// message names the choices), invalid_config, store_* (database locked by another scheduler, disk
/// full, read-only, newer schema), redis_* or environment (redis-server or worker missing, workers
/// that keep crashing: the message quotes the log's last lines). What was recorded stays recorded.
/// Blocks; starts threads and processes of its own, all of which have ended when it returns.
[[nodiscard]] Expected<RunSummary> run_batch(const RunRequest& request, RunObserver& observer,
                                             StopHandle& stop);

}  // namespace photoscribe
