#include "scheduler/run/run_batch.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/core/scratch_folder.h"
#include "common/remote/photo_url.h"
#include "common/sqlite/lock_file.h"
#include "scheduler/process/private_folder.h"
#include "scheduler/run/batch_job.h"
#include "scheduler/run/on_finish.h"
#include "scheduler/run/prepare_run.h"
#include "scheduler/store/change_roots.h"
#include "scheduler/store/store.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kIndexAfterRunAtOnce = 20'000;

Status check(const RunRequest& request) {
  if (request.workers < 0 || request.workers > 1'024) {
    return fail(Errc::usage,
                "workers: " + std::to_string(request.workers) + " is not between 0 and 1024");
  }
  if (request.workers == 0 && request.redis_url.empty()) {
    return fail(Errc::usage, "workers: 0 needs --redis, or there would be no workers");
  }
  if (request.window < 1) {
    return fail(Errc::usage, "window: " + std::to_string(request.window) + " is below 1");
  }
  if (request.limit < 0) {
    return fail(Errc::usage, "limit: " + std::to_string(request.limit) + " is negative");
  }
  if (Status watchable = check_watch(request); !watchable) return watchable;
  if (!request.schedule.on_finish.empty()) return check_on_finish(request.schedule.on_finish);
  return {};
}

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

void add_counts(RunSummary& summary, const StoreSummary& stored) {
  const StateCounts& asked = stored.counts.asked;
  summary.total = asked.total();
  summary.done = asked.done;
  summary.unsure = asked.unsure;
  summary.min_confidence = stored.run.settings.min_confidence;
  summary.blurred = asked.blurred;
  summary.failed = asked.failed();
  summary.pending = asked.pending;
  summary.equal_photos = stored.equal_photos;
  summary.near_duplicates = stored.near_duplicates;
  for (const FailureGroup& group : stored.failures) {
    FailureCount failure;
    failure.reason = to_string(group.reason);
    failure.count = group.images;
    failure.example = group.example_uri;
    failure.detail = group.example_detail;
    failure.formats = group.formats;
    summary.failures.push_back(std::move(failure));
  }
  for (const SkippedExtension& skipped : stored.skipped) {
    summary.skipped.emplace_back(skipped.extension, skipped.files);
  }
  if (!stored.bleu || stored.bleu->photos == 0) return;
  BleuSummary scores;
  const auto values = bleu(stored.bleu->counts);
  std::copy(values.begin(), values.end(), std::begin(scores.bleu));
  scores.photos = stored.bleu->photos;
  scores.without_references = asked.done - stored.bleu->photos;
  summary.bleu = scores;
}

void add_job(RunSummary& summary, const JobReport& job) {
  const SchedulerNow& at = job.scheduler;
  summary.end = job.end;
  summary.done_now = at.done;
  summary.unsure_now = at.unsure;
  summary.blurred_now = at.blurred;
  summary.failed_now = at.failed;
  if (at.first_task && at.last_result && *at.last_result > *at.first_task) {
    summary.captioning_s = seconds(*at.last_result - *at.first_task);
    summary.photos_per_s = static_cast<double>(at.finished()) / summary.captioning_s;
  }
  summary.work = at.work;
  if (job.end != RunEnd::complete) summary.finish_unix_s = job.finish_unix_s;
  summary.worker_restarts = job.worker_restarts;
  summary.workers_peak_bytes = job.workers_peak_bytes;
  summary.redis_peak_bytes = job.redis_peak_bytes;
}

Status index_captions(Recording& store, const StopHandle& stop) {
  while (stop.requests() < 2) {
    const Expected<std::int64_t> indexed = store.index_captions(kIndexAfterRunAtOnce);
    if (!indexed) return fail(indexed.error());
    if (*indexed == 0) break;
  }
  return {};
}

/// Deletes the keys of a run that was complete just before its scheduler was killed. A server that
/// cannot be reached does not matter: the keys expire.
void tidy_up(const RunRequest& request, const PreparedRun& prepared, Store& store,
             RunObserver& observer, const StopHandle& stop, Clock::time_point started) {
  if (request.redis_url.empty() || !prepared.run.incarnation) return;
  BatchJob job(request, prepared, store, observer, stop, started, true);
  (void)job.run(0);
}

/// A word of a command line, quoted for a note.
std::string word(const std::string& text) {
  const bool plain = text.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=") ==
                     std::string::npos;
  return plain ? text : "'" + text + "'";
}

/// A moved archive is in exports twice until the roots are merged: suggested, never done.
Status note_moved(Manifest& store, const RunRequest& request, RunId run,
                  std::vector<std::string>& notes) {
  const Expected<std::vector<Root>> roots = store.known_roots();
  if (!roots) return fail(roots.error());
  const auto is_gone = [](const Root& root) {
    std::error_code unknown;
    return !is_remote(root.folder) && !fs::exists(root.folder, unknown) && !unknown;
  };
  if (std::none_of(roots->begin(), roots->end(), is_gone)) return {};
  const auto found = found_elsewhere(request.database, run);
  if (!found) return fail(found.error());
  for (const FoundElsewhere& one : *found) {
    if (!is_gone(one.gone)) continue;
    const std::string database = word(request.database);
    notes.push_back("root " + one.gone.name + ": its folder " + one.gone.folder + " is gone, and " +
                    std::to_string(one.photos) + " of its photos were found under " +
                    one.here.folder + ", so exports have them twice; " +
                    (2 * one.same_paths >= one.photos
                         ? "photoscribe move " + database + " " + word(one.gone.folder) + " " +
                               word(one.here.folder) + " merges the two roots"
                         : "photoscribe forget " + database + " --root " + word(one.gone.name) +
                               " removes the old rows"));
  }
  return {};
}

/// The same command resumes a cancelled run.
Status resume_cancelled(Manifest& store, PreparedRun& prepared) {
  if (prepared.run.control != RunControl::cancelled) return {};
  prepared.run.control = RunControl::running;
  prepared.notes.push_back("the run was cancelled; this command resumes it");
  return store.set_control(prepared.run.id, RunControl::running);
}

Expected<RunSummary> run_opened(const RunRequest& request, Store& store, RunObserver& observer,
                                const StopHandle& stop, Clock::time_point started) {
  Expected<PreparedRun> prepared = prepare_run(store, request, observer, stop);
  if (!prepared) return fail(prepared.error());
  RunSummary summary;
  summary.run = request.run;
  summary.database = request.database;
  summary.state_folder = request.state_folder;
  summary.added = prepared->scan.added;
  summary.changed = prepared->scan.changed;
  summary.vanished = prepared->scan.vanished;
  summary.retried = prepared->retried;
  summary.reused = prepared->reused;
  summary.redone = prepared->scan.redone;
  summary.dry_run = request.dry_run;

  const Expected<RunCounts> counts = store.counts(prepared->run.id);
  if (!counts) return fail(counts.error());
  if (Status wanted = resume_cancelled(store, *prepared); !wanted) return fail(wanted.error());
  if (prepared->stopped || stop.requests() > 0) {
    summary.end = stop.requests() > 1 ? RunEnd::killed : RunEnd::stopped;
  } else if (request.dry_run) {
    summary.nothing_to_do = counts->asked.pending == 0;
  } else if (counts->asked.pending == 0 && !request.watch) {
    summary.nothing_to_do = true;
    tidy_up(request, *prepared, store, observer, stop, started);
  } else if (prepared->run.control == RunControl::paused) {
    summary.end = RunEnd::paused;
  } else {
    if (request.workers > 0 && ::access(request.worker_executable.c_str(), X_OK) != 0) {
      return fail(Errc::environment,
                  "worker " + request.worker_executable +
                      ": cannot be executed; it should be installed beside photoscribe");
    }
    BatchJob job(request, *prepared, store, observer, stop, started);
    const Expected<JobReport> done = job.run(request.workers);
    if (!done) return fail(done.error());
    add_job(summary, *done);
  }
  if (!request.dry_run) {
    if (Status indexed = index_captions(store, stop); !indexed) return fail(indexed.error());
  }
  const Expected<StoreSummary> stored = store.summary(prepared->run.id);
  if (!stored) return fail(stored.error());
  add_counts(summary, *stored);
  summary.control = stored->run.control;
  summary.notes = std::move(prepared->notes);
  if (!request.dry_run) {
    const Status noted = note_moved(store, request, prepared->run.id, summary.notes);
    if (!noted) return fail(noted.error());
  }
  if (const Expected<std::int64_t> left = store.empty_log(); left && *left > 0) {
    summary.notes.push_back("another program reads " + request.database + ", so " +
                            std::to_string((*left >> 20) + 1) + " MiB of the data stay in " +
                            request.database +
                            "-wal until it ends: copy both files, or use `photoscribe backup`");
  }
  summary.not_seen = std::move(prepared->not_seen);
  summary.not_seen_count = prepared->not_seen_count;
  if (summary.end == RunEnd::complete && summary.not_seen_count > 0)
    summary.end = RunEnd::incomplete;
  return summary;
}

/// What a run would do, found by preparing it on a copy of the database, so that the counts are
/// those of the real call.
Expected<RunSummary> run_dry(const RunRequest& request, RunObserver& observer,
                             const StopHandle& stop, Clock::time_point started) {
  // Beside the database there is room for it, and a file system that SQLite can work on.
  const fs::path beside = fs::absolute(request.database).parent_path();
  const Expected<ScratchFolder> scratch =
      ScratchFolder::make("a copy of the database", fs::exists(request.database) ? beside : "");
  if (!scratch) return fail(scratch.error());
  const std::string copy = scratch->file("copy.db");
  if (fs::exists(request.database)) {
    if (Status copied = copy_database(request.database, copy); !copied) {
      return fail(copied.error().code,
                  copied.error().message + " (a dry run works on a copy of the database)");
    }
  }
  Expected<Store> store = Store::open_writer(copy, say_migration(copy, observer));
  if (!store) return fail(store.error());
  return run_opened(request, *store, observer, stop, started);
}

Expected<RunSummary> run_here(const RunRequest& request, RunObserver& observer,
                              const StopHandle& stop, Clock::time_point started) {
  Expected<Store> store =
      Store::open_writer(request.database, say_migration(request.database, observer));
  if (!store) return fail(store.error());
  if (Status made = make_private_folder(request.state_folder); !made) return fail(made.error());
  // Two databases may share a state folder, but not at the same time.
  const Expected<sqlite::LockFile> lock = sqlite::LockFile::take(request.state_folder + "/run");
  if (!lock) return fail(lock.error());
  return run_opened(request, *store, observer, stop, started);
}

Expected<RunSummary> with_costs(Expected<RunSummary> summary, Clock::time_point started) {
  if (!summary) return summary;
  summary->wall_s = seconds(Clock::now() - started);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  summary->scheduler_peak_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
  return summary;
}

/// Not after a hard stop, where every moment counts, nor if another scheduler has the database.
void run_on_finish(const RunRequest& request, const Expected<RunSummary>& summary,
                   RunObserver& observer, const StopHandle& stop) {
  if (request.schedule.on_finish.empty() || stop.requests() > 1) return;
  if (!summary && summary.error().code == Errc::store_locked) return;
  FinishCall call;
  call.what = request.schedule.on_finish;
  call.log_file = request.state_folder + "/on_finish.log";
  call.facts = summary ? finish_facts(*summary) : finish_facts(request, summary.error());
  call.give_up = [&stop] { return stop.requests() > 1; };
  observer.event(call_on_finish(call));
}

}  // namespace

Expected<RunSummary> run_batch(const RunRequest& asked, RunObserver& observer, StopHandle& stop) {
  const Clock::time_point started = Clock::now();
  if (Status good = check(asked); !good) return fail(good.error());
  RunRequest request = asked;
  if (request.state_folder.empty()) request.state_folder = request.database + ".state";
  if (request.dry_run) return with_costs(run_dry(request, observer, stop, started), started);
  Expected<RunSummary> summary = with_costs(run_here(request, observer, stop, started), started);
  run_on_finish(request, summary, observer, stop);
  return summary;
}

}  // namespace photoscribe
