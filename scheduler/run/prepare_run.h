// prepare_run: from a person's request to a manifest in SQLite, before anything is started.
//
// Finds or creates the run, adds the photos found, and applies references, retries and a redo. It
// knows nothing of Redis. Runs on the caller's thread and reports progress to the observer.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "scheduler/run/run_batch.h"
#include "scheduler/sources/sources.h"
#include "scheduler/store/store.h"

namespace photoscribe {

struct PreparedRun {
  RunRow run;
  std::vector<Root> roots;  // those that hold photos asked for
  ScanCounts scan;
  std::int64_t retried = 0;
  std::int64_t reused = 0;         // results taken over from another run of the database
  std::vector<std::string> notes;  // for the summary
  std::vector<NotSeen> not_seen;   // as RunSummary has it
  std::int64_t not_seen_count = 0;
  std::vector<std::string> link_stores;  // Store::link_stores()
  SourcePlan plan;                       // of a run that watches its folders, with its options
  WalkOptions options;
  bool stopped = false;  // a stop was asked for before the manifest was complete
};

/// Fails as run_batch() does, and with environment when a named folder no longer has any photo: its
/// photos then keep their state. `held`: a lock on the store that is released while folders are
/// read.
[[nodiscard]] Expected<PreparedRun> prepare_run(Store& store, const RunRequest& request,
                                                RunObserver& observer, const StopHandle& stop,
                                                std::unique_lock<std::mutex>* held = nullptr);

/// --watch needs folders, and all of them. Fails with usage.
[[nodiscard]] Status check_watch(const RunRequest& request);

/// The folders of a request that watches, and which of their files are photos of the run.
struct WatchedFolders {
  SourcePlan plan;
  WalkOptions options;
};
/// What prepare_run() finds of these, without looking for photos. Fails as plan_sources() does.
[[nodiscard]] Expected<WatchedFolders> plan_watch(Store& store, RunRequest request,
                                                  RunObserver& observer, const StopHandle& stop);

/// Tells the observer of a migration, which may take minutes.
[[nodiscard]] BeforeMigration say_migration(std::string database, RunObserver& observer);

}  // namespace photoscribe
