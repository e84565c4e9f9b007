#include "common/sqlite/database.h"

#include <SQLiteCpp/Backup.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/core/output_file.h"
#include "common/sqlite/storage.h"
#include "common/text/escape.h"

namespace photoscribe::sqlite {
namespace {

/// `file:` URI of an absolute path, with what has a meaning in URIs escaped.
std::string immutable_uri(const std::string& path) {
  return "file:" + percent_escaped(path, "%?#") + "?immutable=1";
}

bool has_log(const std::string& path) {
  struct ::stat log {};
  return ::stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0;
}

/// A file from elsewhere is data: no trigger in it fires and its internal tables are not written
/// through. (Its views may call what SQLite brings along, none of which does more than compute:
/// SQLITE_DBCONFIG_TRUSTED_SCHEMA would forbid our own schema's json_extract() before 3.42.)
void distrust_schema(SQLite::Database& handle) {
  ::sqlite3* const raw = handle.getHandle();
  ::sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  ::sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
}

/// `file`, or the first of file-2, file-3 … that is not there.
std::string free_name(const std::string& file) {
  std::string name = file;
  for (int i = 2; ::access(name.c_str(), F_OK) == 0; ++i) name = file + "-" + std::to_string(i);
  return name;
}

void prepare_writer(SQLite::Database& handle) {
  // 64 MiB of cache: the path index of millions of images is walked in order, so more does not
  // help.
  handle.exec(
      "PRAGMA foreign_keys = ON;"
      "PRAGMA journal_mode = WAL;"
      "PRAGMA synchronous = FULL;"
      "PRAGMA cache_size = -65536;"
      "PRAGMA journal_size_limit = 67108864;");
}

std::unique_ptr<SQLite::Database> open_handle(const std::string& path, Mode mode, int timeout_ms) {
  if (mode == Mode::read_write) {
    auto handle = std::make_unique<SQLite::Database>(
        path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, timeout_ms);
    distrust_schema(*handle);
    prepare_writer(*handle);
    return handle;
  }
  try {
    auto handle = std::make_unique<SQLite::Database>(
        path, SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX, timeout_ms);
    distrust_schema(*handle);
    handle->exec("SELECT count(*) FROM sqlite_master");  // opening alone reads nothing
    return handle;
  } catch (const SQLite::Exception& thrown) {
    // A database in WAL mode needs to write its shared memory beside it. On a medium that cannot be
    // written, and with no log left, nobody can be changing it: read it as it stands.
    const int code = thrown.getErrorCode() & 0xff;
    if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || ::access(path.c_str(), R_OK) != 0 ||
        has_log(path)) {
      throw;
    }
    auto handle = std::make_unique<SQLite::Database>(
        immutable_uri(path), SQLite::OPEN_READONLY | SQLite::OPEN_URI | SQLite::OPEN_NOMUTEX,
        timeout_ms);
    distrust_schema(*handle);
    return handle;
  }
}

}  // namespace

Expected<Database> Database::open(const std::string& path, Mode mode, int busy_timeout_ms) {
  if (Status safe = check_storage(path); !safe) return fail(safe.error());
  const std::string file = absolute_path(path);
  if (mode == Mode::read_only && ::access(file.c_str(), F_OK) != 0) {
    return fail(Errc::store_failure, "open " + text_of(path) + ": " + std::strerror(errno) +
                                         "; `photoscribe run PHOTOS --output FILE` creates one");
  }
  try {
    return Database(open_handle(file, mode, busy_timeout_ms), path, mode);
  } catch (const SQLite::Exception& thrown) {
    return fail(to_error(thrown, "open", path));
  }
}

Expected<std::int64_t> Database::empty_log() {
  int in_log = 0, moved = 0;
  const int code = ::sqlite3_wal_checkpoint_v2(handle_->getHandle(), "main",
                                               SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  if (code != SQLITE_OK && code != SQLITE_BUSY)
    return fail(to_error(SQLite::Exception(::sqlite3_errstr(code), code), "empty the log", path_));
  if (moved >= in_log) return 0;
  struct ::stat log {};
  return ::stat((absolute_path(path_) + "-wal").c_str(), &log) == 0 ? log.st_size : 0;
}

Status Database::still_there(const std::string& operation) {
  if (mode_ == Mode::read_only) return {};
  if (lost_) return fail(*lost_);
  int moved = 0;
  ::sqlite3_file_control(handle_->getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (moved == 0) return {};
  std::string message = operation + ": " + text_of(path_) +
                        ": the file was removed, moved or replaced while it was being written; ";
  const std::string rescued = free_name(absolute_path(path_) + ".rescued");
  const Status saved = backup(*this, rescued);
  message += saved ? "all that was in it is saved in " + text_of(rescued) +
                         ": move that to its place, and the same command goes on"
                   : "and saving it beside failed: " + saved.error().message;
  lost_ = Error{Errc::store_failure, message};
  return fail(*lost_);
}

Query Database::query(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) statement = std::make_unique<SQLite::Statement>(*handle_, sql);
  statement->clearBindings();
  return Query(*statement);
}

Status backup(Database& source, const std::string& file) {
  const Expected<std::string> behind_links = file_behind_links(file);
  if (!behind_links) return fail(behind_links.error());
  const std::string& target = *behind_links;
  const std::string unfinished = target + ".unfinished";
  if (::access(target.c_str(), F_OK) == 0) {
    return fail(Errc::usage, "backup " + text_of(file) + ": exists already; name another file");
  }
  ::unlink(unfinished.c_str());  // of a backup that was killed
  Status copied = [&]() -> Status {
    try {
      SQLite::Database copy(unfinished, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      SQLite::Backup backup_of(copy, source.handle());
      // All at once: in WAL mode that keeps no writer waiting, and pieces would start over at each
      // write.
      if (const int code = backup_of.executeStep(-1); code != SQLITE_DONE) {
        throw SQLite::Exception(sqlite3_errstr(code), code);
      }
      return {};
    } catch (const SQLite::Exception& thrown) {
      return fail(to_error(thrown, "backup", file));
    }
  }();
  if (copied && ::rename(unfinished.c_str(), target.c_str()) != 0) {
    copied = fail(Errc::store_failure, "backup " + text_of(file) + ": " + std::strerror(errno));
  }
  ::unlink(unfinished.c_str());
  return copied;
}

}  // namespace photoscribe::sqlite
