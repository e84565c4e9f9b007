// Search over an archive: what the index follows, and what is left out of what it finds.
#include "scheduler/store/search.h"

#include <gmock/gmock.h>

#include "scheduler/store/change_roots.h"
#include "scheduler/store/edits.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Search : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    FoundFile old = file("2019/a.jpg"), young = file("2020/b.jpg");
    old.mtime_ns = 1'000'000'000;
    young.mtime_ns = 5'000'000'000;
    scan({old, young, file("2020/soft.jpg"), file("2020/gone.jpg")});
    for (const Task& task : take()) {
      if (task.path == "2019/a.jpg") record({captioned(task, "a dog on the beach")});
      if (task.path == "2020/b.jpg") record({captioned(task, "two dogs and a dog in a boat")});
      if (task.path == "2020/soft.jpg") record({blurred(task)});
      if (task.path == "2020/gone.jpg") record({captioned(task, "a cat")});
    }
    index();
  }
  void index() {
    while (must(store().index_captions(2)) > 0) {
    }
    EXPECT_EQ(must(store().search_backlog()), 0);
  }
  std::vector<std::string> paths(const std::string& query, const SearchRequest& request = {}) {
    std::vector<std::string> all;
    for (const ResultRow& row : hits(query, request)) all.push_back(row.path);
    return all;
  }
  void edit(const std::string& name, const std::string& caption) {
    Edits edits = must(Edits::open(database()));
    const auto photos = must(edits.find(std::vector<std::string>{name}));
    must(edits.add(std::vector<NewEdit>{{photos[0], EditAction::set, caption}}, "ana"));
  }
  /// As lists write it.
  void keep(std::int64_t image, const std::string& column, const std::string& value) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
    const std::string sql =
        "INSERT OR IGNORE INTO kept_column (name) VALUES ('" + column +
        "'); INSERT OR REPLACE INTO kept_value SELECT " + std::to_string(image) + ", column_id, '" +
        value + "' FROM kept_column WHERE name = '" + column +
        "'; INSERT OR IGNORE INTO photo_search_stale VALUES (" + std::to_string(image) + ");";
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
};

TEST_F(Search, GivesTheBestFirst) {
  EXPECT_THAT(paths("dog"), ElementsAre("2020/b.jpg", "2019/a.jpg"));
  edit("a.jpg", "our dog Rex");
  EXPECT_EQ(must(store().search_backlog()), 1);
  index();
  EXPECT_THAT(paths("dog"), ElementsAre("2019/a.jpg", "2020/b.jpg")) << "the edited one";
}

TEST_F(Search, FollowsEditsAndWhatTakesThemBack) {
  edit("a.jpg", "Rex the hound");
  edit("soft.jpg", "fog on purpose");
  index();
  EXPECT_THAT(paths("rex"), ElementsAre("2019/a.jpg"));
  EXPECT_THAT(paths("beach"), IsEmpty()) << "what the model said is wrong";
  SearchRequest original;
  original.original = true;
  EXPECT_THAT(paths("beach", original), ElementsAre("2019/a.jpg"));
  EXPECT_THAT(paths("rex", original), IsEmpty());
  EXPECT_THAT(paths("fog"), ElementsAre("2020/soft.jpg")) << "blurred, and still captioned";

  Edits edits = must(Edits::open(database()));
  must(edits.undo_last("ana", "ana"));
  must(edits.undo_last("ana", "ana"));
  index();
  EXPECT_THAT(paths("beach"), ElementsAre("2019/a.jpg"));
  EXPECT_THAT(paths("rex"), IsEmpty());
}

TEST_F(Search, FollowsKeptValues) {
  keep(1, "Photographer", "Ana López");
  keep(3, "Photographer", "Ana B.");
  index();
  EXPECT_THAT(paths("lopez"), ElementsAre("2019/a.jpg"));
  EXPECT_THAT(paths("photographer:ana"), ElementsAre("2019/a.jpg"));
  SearchRequest blurred;
  blurred.states = {"blurred"};
  EXPECT_THAT(paths("photographer:ana", blurred), ElementsAre("2020/soft.jpg"));
  keep(1, "Photographer", "Ben");
  index();
  EXPECT_THAT(paths("lopez"), IsEmpty());
  EXPECT_THAT(paths("photographer:ben"), ElementsAre("2019/a.jpg"));
}

TEST_F(Search, FollowsARedoAndAForgottenPhotoWhoseNumberIsUsedAgain) {
  edit("b.jpg", "Rex in a boat");
  scan({file("2019/a.jpg"), file("2020/b.jpg"), file("2020/soft.jpg")}, true);
  record({captioned(take()[0], "a horse")});
  index();
  EXPECT_THAT(paths("beach"), IsEmpty());
  store_.reset();
  must(forget_photos(database(), {"", "", true}));
  reopen();
  scan({file("2019/a.jpg"), file("2020/b.jpg"), file("2020/soft.jpg"), file("new.jpg")});
  for (const Task& task : take()) record({captioned(task, "a kite of " + task.path)});
  edit("new.jpg", "the new kite");
  index();
  EXPECT_THAT(paths("cat"), IsEmpty());
  EXPECT_THAT(paths("edited:kite"), ElementsAre("new.jpg"));
  EXPECT_THAT(paths("rex"), ElementsAre("2020/b.jpg"));
}

TEST_F(Search, FindsEachPhotoOnceOverSeveralRuns) {
  const RunId second = must(store().ensure_run("second", settings())).run.id;
  Scan again = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
  must(again.add(std::vector<FoundFile>{file("2019/a.jpg")}));
  must(again.finish({}, {}));
  Result newer = captioned(must(store().take_tasks(second, 1))[0], "a hound on the beach");
  newer.finished_unix_ms += 1;
  must(store().record(second, incoming({newer})));
  index();

  EXPECT_THAT(paths("beach"), ElementsAre("2019/a.jpg"));
  EXPECT_EQ(hits("beach")[0].caption, "a hound on the beach");
  SearchRequest first;
  first.run = "default";
  EXPECT_EQ(hits("beach", first)[0].caption, "a dog on the beach");
  first.run = "secund";
  EXPECT_THAT(store().search(first, [](const ResultRow&) { return Status(); }).error().message,
              HasSubstr("did you mean second?"));
}

TEST_F(Search, FiltersAndSorts) {
  SearchRequest request;
  request.since_unix_ms = 2'000;
  EXPECT_THAT(paths("dog", request), ElementsAre("2020/b.jpg"));
  request = {};
  request.until_unix_ms = 5'000;
  EXPECT_THAT(paths("dog", request), ElementsAre("2019/a.jpg")) << "until is not included";
  request = {};
  request.sort = SearchSort::oldest;
  EXPECT_THAT(paths("-cat", request), ElementsAre("2019/a.jpg", "2020/b.jpg"));
  request.sort = SearchSort::newest;
  request.limit = 1;
  EXPECT_THAT(paths("dog", request), ElementsAre("2020/b.jpg"));
  request.offset = 1;
  EXPECT_THAT(paths("dog", request), ElementsAre("2019/a.jpg"));
  request = {};
  request.states = {"done", "blurred"};
  request.sort = SearchSort::path;
  EXPECT_THAT(paths("", request),
              ElementsAre("2019/a.jpg", "2020/b.jpg", "2020/gone.jpg", "2020/soft.jpg"));
  request.root = "other";
  EXPECT_FALSE(store().search(request, [](const ResultRow&) { return Status(); }));
  request = {};
  request.confidence_min = 0.5;
  EXPECT_THAT(paths("dog", request), IsEmpty());
  edit("a.jpg", "our dog");
  index();
  EXPECT_THAT(paths("dog", request), ElementsAre("2019/a.jpg")) << "a person is certain";
}

TEST_F(Search, GivesTheLastAddedFirstWhereRankingWouldTakeLong) {
  std::vector<FoundFile> files;
  for (std::int64_t i = 0; i <= kRankedMax; ++i) files.push_back(file(std::to_string(i) + ".jpg"));
  scan(files, false);
  std::vector<Result> results;
  for (const Task& task : take(files.size())) results.push_back(captioned(task, "a common sight"));
  record(std::move(results));
  while (must(store().index_captions(5'000)) > 0) {
  }
  SearchRequest request;
  request.query = "common";
  request.limit = 3;
  std::vector<std::int64_t> ids;
  const auto take_id = [&ids](const ResultRow& row) {
    ids.push_back(row.image_id);
    return Status();
  };
  const SearchOutcome many = must(store().search(request, take_id));
  EXPECT_TRUE(many.many && many.more && !many.best_first);
  EXPECT_THAT(ids, ElementsAre(kRankedMax + 5, kRankedMax + 4, kRankedMax + 3));
  request.query = "dog";
  const SearchOutcome few = must(store().search(request, take_id));
  EXPECT_TRUE(few.best_first && !few.many && !few.more);
}

TEST_F(Search, LeavesOutWhatIsNoLongerThere) {
  scan({file("2019/a.jpg"), file("2020/b.jpg"), file("2020/soft.jpg")});
  EXPECT_THAT(paths("cat"), IsEmpty());
  SearchRequest request;
  request.vanished = true;
  EXPECT_THAT(paths("cat", request), ElementsAre("2020/gone.jpg"));
}

TEST_F(Search, IsCaughtUpBesideTheWriter) {
  scan({file("2019/a.jpg"), file("2020/b.jpg"), file("2020/new.jpg")}, false);
  for (const Task& task : take()) record({captioned(task, "a zebra in " + task.path)});
  EXPECT_THAT(paths("zebra"), IsEmpty());
  std::int64_t looked_at = 0;
  must(catch_up_index(database(), [&](std::int64_t some) {
    looked_at += some;
    return true;
  }));
  EXPECT_GT(looked_at, 0);
  EXPECT_EQ(must(store().search_backlog()), 0);
  EXPECT_FALSE(paths("zebra").empty());
}

}  // namespace
}  // namespace photoscribe::test
