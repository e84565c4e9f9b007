// store: the SQLite database of an archive: the truth about every run (design.md 2, 5).
//
// It opens the database; its operations are three parts over one connection: Manifest (what a run
// is), Recording (what a scheduler stores) and Lookup (what is read). A function that needs only
// one of them takes only that.
//
// One process writes at a time, ensured by a lock file beside the database; any number read. Every
// call is one short transaction: it happens as a whole or not at all, even with kill -9 or a full
// disk. It knows nothing of Redis beyond the numbers stored for it.
//
// Not thread-safe: one thread at a time, and calls block for milliseconds (a full scan or rejudge
// for longer), so never on an io_context (style.md 5).
//
// Errors of every call: store_busy (transient), store_full, store_failure (style.md 3). All of them
// leave the database as it was, and say what to do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/core/error.h"
#include "scheduler/store/lookup.h"
#include "scheduler/store/manifest.h"
#include "scheduler/store/recording.h"
#include "scheduler/store/run_types.h"
#include "scheduler/store/scan.h"

namespace photoscribe {

struct StoreDatabase;  // store_impl.h

/// Called before an older database is migrated, with both schema numbers: with ten million photos
/// that may take minutes.
using BeforeMigration = std::function<void(int from, int to)>;

class Store : public Manifest, public Recording, public Lookup {
 public:
  /// Opens for writing: takes the lock, creates the file and its folder's entry when absent,
  /// migrates.
  ///
  /// Fails with store_locked when another process writes (the message names its pid and host; exit
  /// status 3), with store_failure on a network or FUSE file system, a newer schema, a file that is
  /// no database, a read-only place.
  [[nodiscard]] static Expected<Store> open_writer(const std::string& path,
                                                   const BeforeMigration& before = {});

  /// Opens for reading, even while another process writes. Never creates or migrates: an older
  /// schema is refused with the advice to run a writing verb once. Calls that write fail with
  /// store_failure.
  [[nodiscard]] static Expected<Store> open_reader(const std::string& path);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  /// Of a writer: sqlite::Database::empty_log().
  [[nodiscard]] Expected<std::int64_t> empty_log();

 private:
  explicit Store(std::unique_ptr<StoreDatabase> database);
  std::unique_ptr<StoreDatabase> database_;
};

/// Copies the whole database to `copy` (SQLite's backup API) while others read and write, whatever
/// its schema. Refuses an existing file; leaves nothing behind when it fails.
[[nodiscard]] Status copy_database(const std::string& database, const std::string& copy);

}  // namespace photoscribe
