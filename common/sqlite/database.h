// database: one connection to a SQLite file, its settings, its transactions and its errors.
//
// SQLiteCpp throws; nothing of it leaves read() and write(). It knows no table: those are the
// migrations' and the store's.
#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>

#include "common/core/error.h"
#include "common/sqlite/query.h"
#include "common/sqlite/sqlite_errors.h"

namespace photoscribe::sqlite {

enum class Mode { read_only, read_write };

class Database {
 public:
  /// Opens `path` after check_storage(); read_write creates it, switches to WAL with
  /// synchronous=FULL and enforces foreign keys. read_only also opens what lies in a folder that
  /// cannot be written, when no write-ahead log is left beside it.
  [[nodiscard]] static Expected<Database> open(const std::string& path, Mode mode,
                                               int busy_timeout_ms = 5000);

  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) = delete;  // would close the file under its statements

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] Mode mode() const noexcept { return mode_; }

  /// Runs `body` in one transaction that is committed when it returns, and rolled back when it
  /// throws or returns an error. `body` returns a value, nothing, or an Expected. `operation`
  /// begins every message.
  template <class Body>
  auto write(const std::string& operation, Body&& body) {
    return transact(true, operation, body);
  }
  /// The same on one consistent snapshot, for reading.
  template <class Body>
  auto read(const std::string& operation, Body&& body) {
    return transact(false, operation, body);
  }

  /// A cached statement. `sql` must be a string literal: its address is the key.
  [[nodiscard]] Query query(const char* sql);
  /// Several statements without parameters.
  void execute(const std::string& sql) { handle_->exec(sql); }
  /// Moves what it can from the write-ahead log (`path()`-wal) into the file, without waiting for
  /// anybody; how many bytes must stay there because somebody reads an older state.
  [[nodiscard]] Expected<std::int64_t> empty_log();
  [[nodiscard]] SQLite::Database& handle() noexcept { return *handle_; }

 private:
  template <class T>
  struct ResultOf {
    using type = Expected<T>;
  };
  template <class T>
  struct ResultOf<Expected<T>> {
    using type = Expected<T>;
  };

  Database(std::unique_ptr<SQLite::Database> handle, std::string path, Mode mode)
      : handle_(std::move(handle)), path_(std::move(path)), mode_(mode) {}

  template <class Body>
  auto transact(bool writes, const std::string& operation, Body& body) ->
      typename ResultOf<std::invoke_result_t<Body&>>::type {
    using Returned = std::invoke_result_t<Body&>;
    if (writes && mode_ == Mode::read_only) return fail(opened_for_reading(operation, path_));
    if (Status there = still_there(operation); !there) return fail(there.error());
    try {
      handle_->exec(writes ? "BEGIN IMMEDIATE" : "BEGIN");
      Rollback rollback{handle_.get()};
      if constexpr (std::is_void_v<Returned>) {
        body();
        handle_->exec("COMMIT");
        rollback.database = nullptr;
        return {};
      } else {
        typename ResultOf<Returned>::type returned = body();
        if (!returned) return returned;
        handle_->exec("COMMIT");
        rollback.database = nullptr;
        return returned;
      }
    } catch (const SQLite::Exception& thrown) {
      return fail(to_error(thrown, operation, path_));
    }
  }

  /// Fails, once after everything was saved beside it, when a file that we write is no longer the
  /// one of that name: what is written then would be lost with the last process that has it open.
  [[nodiscard]] Status still_there(const std::string& operation);

  struct Rollback {
    SQLite::Database* database;
    ~Rollback() {
      // A full disk may have rolled back already: then this fails, which is fine.
      if (database != nullptr) database->tryExec("ROLLBACK");
    }
  };

  std::unique_ptr<SQLite::Database> handle_;
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
  std::string path_;
  Mode mode_;
  std::optional<Error> lost_;  // what still_there() found
};

/// Copies `source` to `file` with SQLite's backup API, whatever others do to it meanwhile. Refuses
/// an existing file; writes beside it first, so that `file` is whole or absent.
[[nodiscard]] Status backup(Database& source, const std::string& file);

}  // namespace photoscribe::sqlite
