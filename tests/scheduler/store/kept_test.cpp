// What came beside photos, and photos that a list names though they are not there.
#include <gmock/gmock.h>

#include "scheduler/store/change_roots.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Kept : public StoreTest {
 protected:
  FoundFile with(std::string path, KeptValues kept) {
    FoundFile found = file(std::move(path));
    found.kept = std::move(kept);
    return found;
  }
  FoundFile absent(std::string path) {
    FoundFile found;
    found.path = std::move(path);
    found.exists = false;
    return found;
  }
  /// "path column value" of every kept one.
  std::vector<std::string> kept() {
    return plain_rows(database(),
                      "SELECT CAST(path AS TEXT), name, value FROM kept_value JOIN kept_column "
                      "USING (column_id) JOIN image USING (image_id) ORDER BY path, column_id");
  }
};

TEST_F(Kept, ColumnsStayWithThePhotoAndFollowTheList) {
  scan({with("a.jpg", {{"id", "7"}, {"who", "Ana"}, {"none", ""}}), with("b.jpg", {{"id", "8"}})});
  EXPECT_THAT(kept(), ElementsAre("a.jpg|id|7", "a.jpg|who|Ana", "b.jpg|id|8"));
  EXPECT_THAT(must(store().kept_columns()), ElementsAre("id", "who", "none"));

  scan({with("a.jpg", {{"id", "9"}, {"who", ""}, {"tag", "x"}}), file("b.jpg")});
  EXPECT_THAT(kept(), ElementsAre("a.jpg|id|9", "a.jpg|tag|x", "b.jpg|id|8"));
}

TEST_F(Kept, AReferenceThatComesWithANewColumnIsOfItsOwnPhoto) {
  std::vector<FoundFile> photos{file("a.jpg"), with("b.jpg", {{"json", "{}"}, {"cls", "7"}})};
  photos[0].reference = "a dog runs";
  photos[1].reference = "a cat sleeps";
  scan(photos);

  EXPECT_THAT(plain_rows(database(),
                         "SELECT CAST(path AS TEXT), caption FROM reference_caption JOIN image "
                         "USING (image_id) ORDER BY path"),
              ElementsAre("a.jpg|a dog runs", "b.jpg|a cat sleeps"));
}

TEST_F(Kept, ThePhotoThatIsNamedTwiceCountsOnceAndTheFirstLineHolds) {
  const ScanCounts counts = scan(
      {with("a.jpg", {{"id", "1"}}), with("a.jpg", {{"id", "2"}, {"who", "Ana"}}), file("a.jpg")});

  EXPECT_EQ(counts.added, 1);
  EXPECT_EQ(counts.repeated, 2);
  EXPECT_THAT(kept(), ElementsAre("a.jpg|id|1", "a.jpg|who|Ana"));
}

TEST_F(Kept, APhotoThatIsNotThereHasARowAndAResultOutlivesItsFile) {
  EXPECT_EQ(scan({file("a.jpg"), absent("gone.jpg")}, false).added, 2);
  std::vector<Task> tasks = take();
  ASSERT_EQ(tasks.size(), 2U);
  for (const Task& task : tasks) {
    record({task.path == "a.jpg" ? captioned(task, "a dog") : failed(task, Reason::missing)});
  }

  const ScanCounts again = scan({absent("a.jpg"), absent("gone.jpg")}, false);
  EXPECT_EQ(again.changed, 0);
  EXPECT_EQ(again.vanished, 1);
  EXPECT_EQ(counts().asked.failed(), 1);
  EXPECT_EQ(counts().others.done, 1);
  expect_counts_are_true();

  // Both are back: the one with its result, the other as a photo that has changed.
  const ScanCounts back = scan({file("a.jpg"), file("gone.jpg")}, false);
  EXPECT_EQ(back.returned, 1);
  EXPECT_EQ(back.changed, 1);
  EXPECT_EQ(counts().asked.done, 1);
  EXPECT_EQ(counts().asked.pending, 1);
  expect_counts_are_true();
}

TEST_F(Kept, WhatAListNoLongerNamesHasNotVanished) {
  scan({file("a.jpg"), file("b.jpg")}, false);
  const ScanCounts counts = scan({file("b.jpg"), file("c.jpg")}, false);

  EXPECT_EQ(counts.added, 1);
  EXPECT_EQ(counts.not_asked, 1);
  EXPECT_EQ(counts.vanished, 0);
}

TEST_F(Kept, PhotosAreFoundByPlaceAndByValue) {
  scan({with("a.jpg", {{"id", "7"}}), with("b.jpg", {{"id", "8"}})});

  EXPECT_EQ(must(store().photo_at(run(), "photos", "b.jpg"))->kept, (KeptValues{{"id", "8"}}));
  EXPECT_FALSE(must(store().photo_at(run(), "photos", "c.jpg")));
  EXPECT_FALSE(must(store().photo_at(run(), "elsewhere", "b.jpg")));
  EXPECT_EQ(must(store().index_kept(run(), "id")), 2);
  EXPECT_EQ(must(store().photo_with("7"))->path, "a.jpg");
  EXPECT_FALSE(must(store().photo_with("70")));
}

TEST_F(Kept, ColumnsOfTheRowThatGoesStayWhereTwoRootsBecomeOne) {
  scan({with("a.jpg", {{"id", "7"}, {"who", "Ana"}})});
  {
    Scan moved = must(store().begin_scan(run(), {{"moved", "/new/photos"}}));
    FoundFile changed = with("a.jpg", {{"id", "9"}});
    changed.size_bytes = 2;
    must(moved.add(std::vector<FoundFile>{changed}));
    must(moved.finish({}, {}));
  }
  store_.reset();
  must(move_roots(database(), "/archive/photos", "/new/photos"));
  EXPECT_THAT(kept(), ElementsAre("a.jpg|id|9", "a.jpg|who|Ana"));
}

TEST_F(Kept, ColumnsGoWithForgottenPhotosAndMoveWithARoot) {
  scan({with("a.jpg", {{"id", "7"}}), with("b.jpg", {{"id", "8"}})});
  {
    Scan moved = must(store().begin_scan(run(), {{"moved", "/new/photos"}}));
    must(moved.add(std::vector<FoundFile>{with("a.jpg", {{"who", "Ana"}})}));
    must(moved.finish({}, {}));
  }
  store_.reset();
  must(move_roots(database(), "/archive/photos", "/new/photos"));
  EXPECT_THAT(kept(), ElementsAre("a.jpg|id|7", "a.jpg|who|Ana", "b.jpg|id|8"));

  Forgotten all;
  all.root = "photos";
  must(forget_photos(database(), all));
  EXPECT_THAT(kept(), IsEmpty());
}

}  // namespace
}  // namespace photoscribe::test
