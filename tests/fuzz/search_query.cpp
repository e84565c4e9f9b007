// What a person types into a search: whatever it is, FTS5 takes the expression that is made of it.
#include "scheduler/store/search_query.h"

#include <sqlite3.h>

#include <string>

#include "tests/fuzz/fuzz.h"

namespace {

using photoscribe::fuzz::require;

/// A table as migration 0019 makes it, with one photo.
sqlite3* photos() {
  static sqlite3* const db = [] {
    sqlite3* opened = nullptr;
    require(sqlite3_open(":memory:", &opened) == SQLITE_OK);
    require(sqlite3_exec(opened,
                         "CREATE VIRTUAL TABLE photo_search USING fts5 (edited, caption, original, "
                         "kept, path, fields, tokenize = 'porter unicode61 remove_diacritics 2');"
                         "INSERT INTO photo_search VALUES ('', 'a dog', '', 'ana', 'a.jpg', "
                         "'kexevery k3xana')",
                         nullptr, nullptr, nullptr) == SQLITE_OK);
    return opened;
  }();
  return db;
}

void find(const std::string& expression) {
  sqlite3_stmt* statement = nullptr;
  require(sqlite3_prepare_v2(photos(), "SELECT rowid FROM photo_search WHERE photo_search MATCH ?",
                             -1, &statement, nullptr) == SQLITE_OK);
  sqlite3_bind_text(statement, 1, expression.data(), static_cast<int>(expression.size()),
                    SQLITE_STATIC);
  int step = SQLITE_ROW;
  while (step == SQLITE_ROW) step = sqlite3_step(statement);
  require(step == SQLITE_DONE);
  sqlite3_finalize(statement);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const std::string_view query = fuzz::text_of(data, size);
  const KeptColumnIds columns{{"Photographer", 3}, {"photo credit", 4}, {"caption", 5}};
  for (const bool original : {false, true}) {
    const auto expression = search_expression(query, columns, original);
    if (expression && !expression->empty()) find(*expression);
  }
  return 0;
}
