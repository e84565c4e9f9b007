// What rows have several of each, kept values and concepts: right, and read for a page at once.
#include <gmock/gmock.h>

#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::IsEmpty;

/// Counts the statements of connections that are opened while it exists.
class StatementCount {
 public:
  StatementCount() {
    statements_ = 0;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch));
  }
  StatementCount(const StatementCount&) = delete;
  StatementCount& operator=(const StatementCount&) = delete;
  ~StatementCount() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(watch)); }
  [[nodiscard]] static int statements() { return statements_; }

 private:
  static int watch(sqlite3* db, char** /*error*/, const void* /*api*/) {
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count, nullptr);
  }
  static int count(unsigned /*what*/, void* /*own*/, void* /*statement*/, void* text) {
    const std::string_view sql = static_cast<const char*>(text);
    statements_ += sql.starts_with("--") ? 0 : 1;  // of triggers and virtual tables
    return 0;
  }
  static inline int statements_ = 0;
};

class ResultRowsTest : public StoreTest {
 protected:
  /// Photo i has its number and, every third, a name; every second has a caption with two concepts.
  void make_photos(int count) {
    std::vector<FoundFile> files;
    for (int i = 0; i < count; ++i) {
      FoundFile one = file(std::to_string(10'000 + i) + ".jpg");
      one.kept = {{"number", std::to_string(i)}};
      if (i % 3 == 0) one.kept.emplace_back("name", "n" + std::to_string(i));
      files.push_back(std::move(one));
    }
    scan(files);
    std::vector<Result> results;
    for (const Task& task : take(static_cast<std::size_t>(count))) {
      const int i = std::stoi(task.path) - 10'000;
      Result one = i % 2 == 0 ? captioned(task, "a dog") : blurred(task);
      if (auto* done = std::get_if<Captioned>(&one.outcome))
        done->caption.concepts = {{"dog", 0.9F}, {"w" + std::to_string(i % 7), 0.5F}};
      results.push_back(std::move(one));
    }
    record(std::move(results));
  }

  static void expect_right(const ResultRow& row) {
    const int i = std::stoi(row.path) - 10'000;
    KeptValues kept{{"number", std::to_string(i)}};
    if (i % 3 == 0) kept.emplace_back("name", "n" + std::to_string(i));
    EXPECT_EQ(row.kept, kept) << row.path;
    const std::vector<Concept> concepts{{"dog", 0.9F}, {"w" + std::to_string(i % 7), 0.5F}};
    EXPECT_EQ(row.concepts, i % 2 == 0 ? concepts : std::vector<Concept>()) << row.path;
  }
};

TEST_F(ResultRowsTest, HaveTheirOwnListsOnEveryPage) {
  make_photos(2'500);
  int rows = 0;
  must(store().for_each_result(run(), [&](const ResultRow& row) -> Status {
    expect_right(row);
    ++rows;
    return {};
  }));
  EXPECT_EQ(rows, 2'500);
  expect_right(*must(store().image(1)));
  expect_right(*must(store().photo_at(run(), "photos", "10002.jpg")));
}

TEST_F(ResultRowsTest, OfFailedPhotosHaveTheirsToo) {
  make_photos(30);
  scan({file("x.jpg")}, false);
  record({failed(take().front(), Reason::truncated)});
  const auto rows = must(store().failed_images(run(), {}, 5'000));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_THAT(rows[0].kept, IsEmpty());
}

TEST_F(ResultRowsTest, AreExportedWithAFewStatementsAPage) {
  make_photos(3'000);
  const StatementCount count;
  Store reader = must(Store::open_reader(database()));
  const int before = StatementCount::statements();
  must(reader.for_each_result(run(), [](const ResultRow&) -> Status { return {}; }));

  // Of each of four pages, the last of them empty: begin, rows, kept values, concepts, other
  // captions, commit.
  EXPECT_LE(StatementCount::statements() - before, 4 * 6);
}

}  // namespace
}  // namespace photoscribe::test
