// archive: what a finished run left in SQLite, read as any user would: plain sqlite3 and the
// documented view.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace photoscribe::test {

using Row = std::map<std::string, std::optional<std::string>>;

/// Rows of `sql` by column name; a test failure and no rows when it does not run.
std::vector<Row> query(const std::string& database, const std::string& sql);

/// The first column of the first row, or "" when there is none.
std::string query_one(const std::string& database, const std::string& sql);

}  // namespace photoscribe::test
