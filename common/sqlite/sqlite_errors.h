// sqlite_errors: SQLite's errors, as an Error that says what to do.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <string>

#include "common/core/error.h"

namespace photoscribe::sqlite {

/// The Error of a thrown exception. `path` is the database's. Busy and locked: store_busy. No
/// space: store_full. All else: store_failure.
[[nodiscard]] Error to_error(const SQLite::Exception& thrown, const std::string& operation,
                             const std::string& path);

/// Of a write on a database that was opened for reading.
[[nodiscard]] Error opened_for_reading(const std::string& operation, const std::string& path);

/// True for what a statement's text or arguments are to blame for, such as a malformed FTS5 query.
[[nodiscard]] bool is_sql_error(const SQLite::Exception& thrown) noexcept;

}  // namespace photoscribe::sqlite
