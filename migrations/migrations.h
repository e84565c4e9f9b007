// migrations: brings a database to the schema that this program was built with.
//
// The numbered .sql files are embedded at build time, so a program never meets a folder that it
// does not know. Forward only; each file in a transaction of its own, with its checksum kept: a
// database whose history is not ours is refused, never repaired.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "common/core/error.h"
#include "common/sqlite/database.h"

namespace photoscribe::migrations {

struct Migration {
  int number = 0;         // 1, 2, 3 … without gaps
  std::string_view name;  // "0001_create_run"
  std::string_view sql;
};

/// The files of this folder, in order.
[[nodiscard]] std::span<const Migration> embedded();

/// Applies what is missing; returns how many were applied. `before` is called when an older
/// database is about to be changed: its schema's number and ours. Fails with store_failure when the
/// database is of another program, newer than this one, or was made from another text of a
/// migration. What was applied before a failure stays applied.
[[nodiscard]] Expected<int> migrate(sqlite::Database& database,
                                    std::span<const Migration> migrations = embedded(),
                                    const std::function<void(int from, int to)>& before = {});

/// For readers: fails like migrate(), and also when something is missing.
[[nodiscard]] Status check(sqlite::Database& database,
                           std::span<const Migration> migrations = embedded());

}  // namespace photoscribe::migrations
