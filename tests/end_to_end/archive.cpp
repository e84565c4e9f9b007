#include "tests/end_to_end/archive.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>

namespace photoscribe::test {

std::vector<Row> query(const std::string& database, const std::string& sql) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(database.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> db(raw, sqlite3_close_v2);
  sqlite3_busy_timeout(raw, 10'000);  // the writer holds it for a moment while it opens and closes
  sqlite3_stmt* statement = nullptr;
  if (opened != SQLITE_OK ||
      sqlite3_prepare_v2(raw, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    ADD_FAILURE() << sql << ": " << sqlite3_errmsg(raw);
    return {};
  }
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(statement, sqlite3_finalize);
  std::vector<Row> rows;
  int step = SQLITE_DONE;
  while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
    Row row;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, i));
      const int size = sqlite3_column_bytes(statement, i);
      std::optional<std::string>& value = row[sqlite3_column_name(statement, i)];
      if (sqlite3_column_type(statement, i) != SQLITE_NULL) {
        value =
            bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
      }
    }
    rows.push_back(std::move(row));
  }
  if (step != SQLITE_DONE) ADD_FAILURE() << sql << ": " << sqlite3_errmsg(raw);
  return rows;
}

std::string query_one(const std::string& database, const std::string& sql) {
  const std::vector<Row> rows = query(database, sql);
  if (rows.empty() || rows.front().empty()) return "";
  return rows.front().begin()->second.value_or("");
}

}  // namespace photoscribe::test
