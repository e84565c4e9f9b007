// Roots that moved, and photos that are forgotten.
#include "scheduler/store/change_roots.h"

#include <gmock/gmock.h>

#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe {
namespace {

using test::captioned;
using test::must;
using test::plain_rows;
using testing::ElementsAre;
using testing::HasSubstr;

class ChangeRoots : public test::StoreTest {
 protected:
  void scan_root(const std::string& name, const std::string& folder,
                 const std::vector<FoundFile>& files) {
    Scan one = must(store().begin_scan(run_, {{name, folder}}));
    must(one.add(files));
    must(one.finish(std::vector<Scan::Walked>(1), {}));
  }
  /// Photos a, b, c of root photos with captions; the index knows them.
  void caption_three() {
    scan({test::file("a.jpg"), test::file("b.jpg"), test::file("c.jpg")});
    std::vector<Result> results;
    for (const Task& task : take()) results.push_back(captioned(task, "a dog " + task.path));
    record(std::move(results));
    must(store().set_references(run_, std::vector<NamedReferences>{{"a.jpg", {"a dog"}}}));
    while (must(store().index_captions(10)) > 0) {
    }
  }
  /// The same three at another place, found by their bytes, and a new one.
  void meet_them_elsewhere() {
    scan_root("archive2", "/archive2",
              {test::file("a.jpg"), test::file("b.jpg"), test::file("c.jpg"), test::file("d.jpg")});
    std::vector<Result> results;
    for (const Task& task : take()) {
      Result result = captioned(task, "a dog " + task.path);
      if (task.path != "d.jpg") result.copied_from = CopiedFrom{task.image_id - 3, std::nullopt};
      results.push_back(std::move(result));
    }
    record(std::move(results));
    while (must(store().index_captions(10)) > 0) {
    }
  }
  std::vector<std::string> rows(const std::string& sql) { return plain_rows(database(), sql); }
  void close() { store_.reset(); }
};

TEST_F(ChangeRoots, Issue13GivesARootAnotherFolderAndKeepsItsRows) {
  caption_three();
  close();

  const auto moved = must(move_roots(database(), "/archive/photos", "/net/news"));

  EXPECT_THAT(moved, ElementsAre(MovedRoot{"photos", "/archive/photos", "/net/news", "", 3, 0}));
  EXPECT_THAT(rows("SELECT uri, caption FROM caption_result ORDER BY uri LIMIT 1"),
              ElementsAre("/net/news/a.jpg|a dog a.jpg"));
  reopen();
  scan_root("photos", "/net/news", {test::file("a.jpg"), test::file("b.jpg"), test::file("c.jpg")});
  EXPECT_EQ(counts().asked.pending, 0) << "nothing is done again";
  expect_counts_are_true();
}

TEST_F(ChangeRoots, Issue13MovesRootsInsideTheFolderAlong) {
  scan_root("one", "/old/one", {test::file("a.jpg")});
  scan_root("two", "/old/two", {test::file("a.jpg")});
  scan_root("other", "/older", {test::file("a.jpg")});
  close();

  EXPECT_EQ(must(move_roots(database(), "/old", "/new")).size(), 2U);

  EXPECT_THAT(rows("SELECT name, CAST(folder AS TEXT) FROM root ORDER BY 1"),
              ElementsAre("one|/new/one", "other|/older", "two|/new/two"));
}

TEST_F(ChangeRoots, Issue13JoinsTheTwoRootsOfAMovedArchive) {
  caption_three();
  meet_them_elsewhere();
  const auto found = must(found_elsewhere(database(), run_));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].gone.name, "photos");
  EXPECT_EQ(found[0].here.folder, "/archive2");
  EXPECT_EQ(found[0].photos, 3);
  EXPECT_EQ(found[0].same_paths, 3);
  close();

  const auto moved = must(move_roots(database(), "/archive/photos", "/archive2"));

  EXPECT_THAT(moved,
              ElementsAre(MovedRoot{"photos", "/archive/photos", "/archive2", "archive2", 3, 3}));
  EXPECT_THAT(
      rows("SELECT root, uri, caption FROM caption_result ORDER BY uri"),
      ElementsAre("photos|/archive2/a.jpg|a dog a.jpg", "photos|/archive2/b.jpg|a dog b.jpg",
                  "photos|/archive2/c.jpg|a dog c.jpg", "photos|/archive2/d.jpg|a dog d.jpg"));
  EXPECT_THAT(rows("SELECT count(*) FROM reference_caption"), ElementsAre("1"));
  reopen();
  EXPECT_EQ(hits("dog").size(), 4U) << "each photo once";
  EXPECT_EQ(counts().asked.done, 4);
  EXPECT_TRUE(must(found_elsewhere(database(), run_)).empty());
  expect_counts_are_true();
}

TEST_F(ChangeRoots, KeepsOfAChangedFileTheRowOfItsNewPlace) {
  caption_three();
  scan_root("archive2", "/archive2", {test::file("a.jpg", 77)});
  const Task task = take().at(0);
  record({captioned(task, "another dog")});
  close();

  must(move_roots(database(), "/archive/photos", "/archive2"));

  EXPECT_THAT(rows("SELECT caption FROM caption_result WHERE uri = '/archive2/a.jpg'"),
              ElementsAre("another dog"));
  EXPECT_THAT(rows("SELECT count(*) FROM reference_caption"), ElementsAre("1"));
  reopen();
  expect_counts_are_true();
}

TEST_F(ChangeRoots, NamesTheRootsThereAreWhereNoneIsMeant) {
  caption_three();
  const auto nowhere = plan_move(database(), "/nowhere", "/new");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Errc::usage);
  EXPECT_THAT(nowhere.error().message, HasSubstr("photos (/archive/photos)"));
  const auto locked = move_roots(database(), "/archive/photos", "/new");
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code, Errc::store_locked);
}

TEST_F(ChangeRoots, Issue13ForgetsVanishedPhotosAndNothingElse) {
  caption_three();
  scan({test::file("a.jpg"), test::file("d.jpg")});
  must(store().begin_incarnation(run_, std::string(32, 'a')));
  Forgotten which;
  which.vanished = true;
  EXPECT_EQ(must(count_forgotten(database(), which)), (ForgetCounts{2, 2, 0, {"default"}}));
  close();

  EXPECT_EQ(must(forget_photos(database(), which)), (ForgetCounts{2, 2, 0, {"default"}}));

  EXPECT_THAT(rows("SELECT uri FROM caption_result ORDER BY uri"),
              ElementsAre("/archive/photos/a.jpg", "/archive/photos/d.jpg"));
  EXPECT_THAT(rows("SELECT count(*) FROM run WHERE incarnation IS NULL"), ElementsAre("1"))
      << "what Redis has speaks of numbers that are given again";
  reopen();
  EXPECT_EQ(hits("dog").size(), 1U);
  expect_counts_are_true();
  // Numbers of results are given again: a caption under one of them is found by search.
  record({captioned(take().at(0), "a cat")});
  while (must(store().index_captions(10)) > 0) {
  }
  EXPECT_EQ(hits("cat").size(), 1U);
}

TEST_F(ChangeRoots, Issue13ForgetsARootWithItsRow) {
  caption_three();
  meet_them_elsewhere();
  close();
  Forgotten which;
  which.root = "photos";

  EXPECT_EQ(must(forget_photos(database(), which)).photos, 3);

  EXPECT_THAT(rows("SELECT name FROM root"), ElementsAre("archive2"));
  EXPECT_THAT(rows("SELECT count(*) FROM caption_result WHERE state = 'done'"), ElementsAre("4"));
  EXPECT_THAT(rows("SELECT count(*) FROM photo_content WHERE copied_from IS NOT NULL"),
              ElementsAre("0"))
      << "their source is forgotten";
  EXPECT_THAT(rows("PRAGMA foreign_key_check"), ElementsAre());
  reopen();
  expect_counts_are_true();
  which.root = "photos";
  EXPECT_EQ(count_forgotten(database(), which).error().code, Errc::usage);
}

}  // namespace
}  // namespace photoscribe
