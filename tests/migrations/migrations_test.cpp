// The runner, and the schema that it makes.
#include "migrations/migrations.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "tests/support/temp_dir.h"

namespace photoscribe::migrations {
namespace {

using ::testing::HasSubstr;

const Migration kOne{1, "0001_create_a", "CREATE TABLE a (x);"};
const Migration kTwo{2, "0002_create_b", "CREATE TABLE b (x); INSERT INTO b VALUES (1);"};

class Migrate : public ::testing::Test {
 protected:
  sqlite::Database& open() {
    opened_ = std::make_unique<Expected<sqlite::Database>>(
        sqlite::Database::open(folder_.file("a.db"), sqlite::Mode::read_write));
    if (!*opened_) throw std::runtime_error(opened_->error().message);
    return **opened_;
  }
  static std::string refusal(sqlite::Database& db, std::span<const Migration> known) {
    const auto refused = migrate(db, known);
    if (refused) return "";
    EXPECT_EQ(refused.error().code, Errc::store_failure);
    return refused.error().message;
  }
  test::TempDir folder_;
  std::unique_ptr<Expected<sqlite::Database>> opened_;
};

TEST_F(Migrate, AppliesWhatIsMissingOnce) {
  const Migration both[] = {kOne, kTwo};
  auto& db = open();

  std::vector<std::pair<int, int>> told;
  const auto before = [&](int from, int to) { told.emplace_back(from, to); };

  EXPECT_EQ(migrate(db, std::span(both, 1), before).value(), 1);
  EXPECT_FALSE(check(db, both));
  EXPECT_EQ(migrate(db, both, before).value(), 1);
  EXPECT_EQ(migrate(db, both, before).value(), 0);
  EXPECT_EQ(told, (std::vector<std::pair<int, int>>{{1, 2}})) << "not of a new database";
  EXPECT_TRUE(check(db, both));
  EXPECT_EQ(db.handle().execAndGet("SELECT count(*) FROM b").getInt(), 1);
}

TEST_F(Migrate, RefusesANewerSchema) {
  const Migration both[] = {kOne, kTwo};
  auto& db = open();
  ASSERT_TRUE(migrate(db, both));

  EXPECT_THAT(refusal(db, std::span(both, 1)), HasSubstr("newer photoscribe"));
  EXPECT_FALSE(check(db, std::span(both, 1)));
}

TEST_F(Migrate, RefusesATextThatMoved) {
  const Migration edited[] = {{1, "0001_create_a", "CREATE TABLE a (x, y);"}};
  const Migration original[] = {kOne};
  auto& db = open();
  ASSERT_TRUE(migrate(db, original));

  EXPECT_THAT(refusal(db, edited), HasSubstr("another text of migration 0001_create_a"));
}

TEST_F(Migrate, RefusesTheDatabaseOfAnotherProgram) {
  auto& db = open();
  db.execute("CREATE TABLE bookmarks (url)");
  const Migration original[] = {kOne};

  EXPECT_THAT(refusal(db, original), HasSubstr("another program"));
  EXPECT_FALSE(db.handle().tableExists("a"));
}

TEST_F(Migrate, LeavesNothingOfAMigrationThatFails) {
  const Migration broken[] = {kOne, {2, "0002_break", "CREATE TABLE b (x); CREATE TABLE a (x);"}};
  auto& db = open();

  EXPECT_THAT(refusal(db, broken), HasSubstr("0002_break"));

  EXPECT_TRUE(db.handle().tableExists("a"));
  EXPECT_FALSE(db.handle().tableExists("b"));
  const Migration mended[] = {kOne, kTwo};
  EXPECT_EQ(migrate(db, mended).value(), 1);
}

TEST(Embedded, AreNumberedWithoutGaps) {
  int number = 0;
  for (const Migration& migration : embedded()) {
    EXPECT_EQ(migration.number, ++number) << migration.name;
  }
  EXPECT_GE(number, 5);
}

/// Every object of the database as its SQL, by kind and name; FTS5's own tables are not ours.
std::string dump(sqlite::Database& db) {
  std::string text =
      "-- The schema of a database migrated from nothing. A test compares it; to write it anew:\n"
      "-- PHOTOSCRIBE_UPDATE_GOLDEN=1 migrations_test --gtest_filter='*GoldenSchema'\n";
  auto row = db.query(
      "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB "
      "'photo_search_[cdi]*' "
      "ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'index' THEN 2 ELSE 3 END, name");
  while (row.step()) text += "\n" + row.text(0) + ";\n";
  return text;
}

TEST_F(Migrate, GivesTheGoldenSchema) {
  auto& db = open();
  ASSERT_TRUE(migrate(db));
  const std::string golden = std::string(PHOTOSCRIBE_SOURCE_DIR) + "/migrations/schema.sql";
  const std::string schema = dump(db);
  if (std::getenv("PHOTOSCRIBE_UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << schema;
  std::ostringstream expected;
  expected << std::ifstream(golden).rdbuf();

  EXPECT_EQ(schema, expected.str());
  EXPECT_EQ(db.handle().execAndGet("PRAGMA integrity_check").getString(), "ok");
}

TEST_F(Migrate, KeepsWhatADatabaseOfTheFirstSchemaShows) {
  constexpr std::size_t kFirst = 5;
  auto& db = open();
  ASSERT_TRUE(migrate(db, embedded().first(kFirst)));
  db.execute(R"sql(
    INSERT INTO run (name, settings, created_unix_ms) VALUES
      ('default', '{"model_hash": "aa", "blur": {"blur_threshold": 90.5}}', 1),
      ('beside', '{"model_hash": "bb", "blur": {"blur_threshold": 10}}', 2);
    INSERT INTO root (name, folder) VALUES ('photos', x'2f61');
    INSERT INTO image (run_id, root_id, path, size_bytes, mtime_ns, inode, state, queue_seq) VALUES
      (1, 1, x'62', 1, 1, 1, 'done', 1), (1, 1, x'63', 1, 1, 1, 'pending', 2),
      (2, 1, x'62', 1, 1, 1, 'blurred', 1);
    INSERT INTO worker VALUES (1, 'w');
    INSERT INTO result (image_id, attempt, outcome, blur_score, caption, log_prob, tokens, worker_id, read_us, decode_us,
                        caption_us, finished_unix_ms)
      VALUES (1, 1, 'done', 100, 'a dog', -3, 2, 1, 0, 0, 0, 5),
             (3, 1, 'blurred', 5, NULL, NULL, NULL, 1, 0, 0, 0, 6);
  )sql");
  constexpr int kColumns = 18;  // those that the views had
  const auto shown = [&db] {
    std::string rows;
    for (const char* view : {"caption_result", "caption_result_latest"}) {
      SQLite::Statement row(db.handle(), std::string("SELECT * FROM ") + view + " ORDER BY 1, 3");
      while (row.executeStep()) {
        for (int i = 0; i < kColumns; ++i) rows += row.getColumn(i).getString() + "|";
        rows += "\n";
      }
    }
    return rows;
  };
  db.execute("INSERT INTO run_count VALUES (1, 1, 'done', '', 1), (1, 1, 'pending', '', 1)");
  const std::string before = shown();

  ASSERT_TRUE(migrate(db));

  EXPECT_EQ(shown(), before);
  EXPECT_THAT(before, HasSubstr("a dog"));
  EXPECT_EQ(
      db.handle().execAndGet("SELECT group_concat(state || images) FROM run_count").getString(),
      "done1,pending1");
  EXPECT_EQ(db.handle().execAndGet("SELECT group_concat(verdict) FROM image").getString(),
            "done,pending,blurred");
  // A photo that is not captioned is never unsure, whoever says so.
  EXPECT_FALSE(db.write("mark", [&] { db.execute("UPDATE image SET unsure = 1"); }));
  EXPECT_EQ(db.handle().execAndGet("SELECT count(*) FROM pragma_foreign_key_check").getInt(), 0);
}

/// A database of before: the text of each path becomes one that no other path has.
TEST_F(Migrate, EscapesPercentInPathsOfADatabaseOfBefore) {
  constexpr std::size_t kBefore = 14;
  auto& db = open();
  ASSERT_TRUE(migrate(db, embedded().first(kBefore)));
  db.execute(R"sql(
    INSERT INTO run (name, created_unix_ms) VALUES ('default', 1);
    INSERT INTO root (name, folder, folder_text) VALUES ('one', x'2f6125ff', '/a%%FF'), ('two', x'2f6225', NULL);
    INSERT INTO image (run_id, root_id, path, path_text, size_bytes, mtime_ns, inode, queue_seq) VALUES
      (1, 1, CAST('%FF.jpg' AS BLOB), NULL, 1, 1, 1, 1), (1, 1, x'ff2e6a7067', '%FF.jpg', 1, 1, 1, 2),
      (1, 2, x'25ffc3a9253246f09f9880fe', '%%FFé%2F😀%FE', 1, 1, 1, 3),
      (1, 2, CAST('plain.jpg' AS BLOB), NULL, 1, 1, 1, 4);
  )sql");

  ASSERT_TRUE(migrate(db));

  const auto all = [&db](const char* sql) { return db.handle().execAndGet(sql).getString(); };
  EXPECT_EQ(all("SELECT group_concat(coalesce(path_text, CAST(path AS TEXT)), ' ') FROM image"),
            "%25FF.jpg %FF.jpg %25%FFé%252F😀%FE plain.jpg");
  EXPECT_EQ(all("SELECT group_concat(folder_text, ' ') FROM root"), "/a%25%FF /b%25");
  EXPECT_EQ(all("SELECT count(*) FROM image WHERE path_text IS NULL"), "1");
  EXPECT_EQ(all("SELECT count(*) FROM run WHERE watched IS NULL"), "1") << "of 0021";
}

}  // namespace
}  // namespace photoscribe::migrations
