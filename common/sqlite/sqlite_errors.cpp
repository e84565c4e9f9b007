#include "common/sqlite/sqlite_errors.h"

#include <sqlite3.h>
#include <sys/statvfs.h>

#include "common/sqlite/storage.h"

namespace photoscribe::sqlite {
namespace {

struct Advice {
  Errc code;
  const char* text;
};

bool disk_is_full(const std::string& path) {
  struct ::statvfs info {};
  return ::statvfs(path.c_str(), &info) == 0 && info.f_bavail == 0;
}

Advice advice(int code, const std::string& path) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::store_busy, "another program holds the database; try again"};
    case SQLITE_INTERRUPT:
      return {Errc::cancelled, ""};
    case SQLITE_FULL:
      return {Errc::store_full,
              "no space is left for the database; free some and run again: nothing "
              "that was recorded is lost"};
    case SQLITE_IOERR:
      if (disk_is_full(path)) {
        return {Errc::store_full,
                "no space is left for the database; free some and run again: "
                "nothing that was recorded is lost"};
      }
      return {Errc::store_failure,
              "the disk failed to read or write; check it (dmesg) and run again"};
    case SQLITE_READONLY:
      return {Errc::store_failure,
              "the database or its folder cannot be written; fix the permissions or name another "
              "place with --output"};
    case SQLITE_CORRUPT:
      return {Errc::store_failure,
              "the database is damaged; keep a copy, then restore a backup or save what can be "
              "read with `sqlite3 FILE .recover`"};
    case SQLITE_NOTADB:
      return {Errc::store_failure, "the file is not a SQLite database; name another with --output"};
    case SQLITE_CANTOPEN:
      return {Errc::store_failure,
              "the file cannot be opened; check that it exists and its permissions"};
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {Errc::store_failure, "access was denied; fix the permissions"};
    default:
      return {Errc::store_failure, ""};
  }
}

}  // namespace

Error to_error(const SQLite::Exception& thrown, const std::string& operation,
               const std::string& path) {
  const Advice found = advice(thrown.getErrorCode(), path);
  std::string message = operation + ": " + text_of(path) + ": " + thrown.what();
  for (char& c : message) {
    if (c == '\n') c = ' ';
  }
  if (*found.text != '\0') message += std::string("; ") + found.text;
  return Error{found.code, std::move(message)};
}

Error opened_for_reading(const std::string& operation, const std::string& path) {
  return Error{Errc::store_failure, operation + ": " + text_of(path) + ": was opened read-only"};
}

bool is_sql_error(const SQLite::Exception& thrown) noexcept {
  return (thrown.getErrorCode() & 0xff) == SQLITE_ERROR;
}

}  // namespace photoscribe::sqlite
