#include "migrations/migrations.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/core/fnv1a.h"
#include "common/sqlite/storage.h"

namespace photoscribe::migrations {
namespace {

std::string checksum_of(std::string_view sql) { return fmt::format("{:016x}", fnv1a(sql)); }

tl::unexpected<Error> refuse(const sqlite::Database& database, const std::string& why) {
  return fail(Errc::store_failure, "open " + sqlite::text_of(database.path()) + ": " + why);
}

struct Applied {
  int number;
  std::string name, checksum;
};

/// The database's history; none yet in a new file.
Expected<std::vector<Applied>> history(sqlite::Database& database) {
  return database.read("read schema version", [&]() -> Expected<std::vector<Applied>> {
    std::vector<Applied> rows;
    if (!database.handle().tableExists("migration")) {
      auto tables = database.query("SELECT count(*) FROM sqlite_master");
      tables.step();
      if (tables.integer(0) > 0) {
        return refuse(database,
                      "is a database of another program; name another file with --output");
      }
      return rows;
    }
    auto row = database.query("SELECT number, name, checksum FROM migration ORDER BY number");
    while (row.step()) {
      rows.push_back({static_cast<int>(row.integer(0)), row.text(1), row.text(2)});
    }
    return rows;
  });
}

Expected<std::size_t> common_history(sqlite::Database& database,
                                     std::span<const Migration> migrations) {
  const auto applied = history(database);
  if (!applied) return fail(applied.error());
  if (applied->size() > migrations.size()) {
    return refuse(database, "was written by a newer photoscribe (schema " +
                                std::to_string(applied->size()) + ", this program knows " +
                                std::to_string(migrations.size()) + "); use that one");
  }
  for (std::size_t i = 0; i < applied->size(); ++i) {
    const Applied& have = (*applied)[i];
    const Migration& want = migrations[i];
    if (have.number != want.number || have.checksum != checksum_of(want.sql)) {
      return refuse(database, "its schema was made by another text of migration " + have.name +
                                  " (checksum " + have.checksum + ", expected " +
                                  checksum_of(want.sql) +
                                  "); use the program that made it, or a new database");
    }
  }
  return applied->size();
}

Status apply(sqlite::Database& database, const Migration& migration) {
  return database.write("migrate to " + std::string(migration.name), [&] {
    database.execute(
        "CREATE TABLE IF NOT EXISTS migration ("
        "number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, "
        "applied_unix_ms INTEGER NOT NULL) STRICT");
    database.execute(std::string(migration.sql));
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    database.query("INSERT INTO migration VALUES (?, ?, ?, ?)")
        .with(migration.number, migration.name, checksum_of(migration.sql),
              std::chrono::duration_cast<std::chrono::milliseconds>(now).count())
        .run();
  });
}

}  // namespace

Expected<int> migrate(sqlite::Database& database, std::span<const Migration> migrations,
                      const std::function<void(int from, int to)>& before) {
  const auto known = common_history(database, migrations);
  if (!known) return fail(known.error());
  if (before && *known > 0 && *known < migrations.size()) {
    before(static_cast<int>(*known), static_cast<int>(migrations.size()));
  }
  int applied = 0;
  for (const Migration& migration : migrations.subspan(*known)) {
    if (Status done = apply(database, migration); !done) return fail(done.error());
    ++applied;
  }
  return applied;
}

Status check(sqlite::Database& database, std::span<const Migration> migrations) {
  const auto known = common_history(database, migrations);
  if (!known) return fail(known.error());
  if (*known < migrations.size()) {
    return refuse(database,
                  *known == 0
                      ? "holds no runs yet; `photoscribe run PHOTOS --output FILE` starts one"
                      : "was written by an older photoscribe; `photoscribe run` on it "
                        "brings it up to date");
  }
  return {};
}

}  // namespace photoscribe::migrations
