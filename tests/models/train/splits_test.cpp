// Which photos a training uses for training and for evaluation, from files as people have them.
#include "models/train/data/splits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "common/sqlite/database.h"
#include "migrations/migrations.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class SplitsTest : public testing::Test {
 protected:
  /// An empty file in place of a photo.
  std::string photo(const std::string& name) const {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    return folder_.write(name, "photo");
  }
  std::string at(const std::string& name) const { return folder_.file(name); }
  CaptionSources sources(std::vector<std::string> captions) const {
    return {{at("photos")}, std::move(captions)};
  }
  /// A hundred photos, n0.jpg to n99.jpg, with captions as lines.
  std::string hundred() const {
    std::string lines;
    for (int i = 0; i < 100; ++i) {
      const std::string name = "n" + std::to_string(i) + ".jpg";
      photo("photos/" + name);
      lines += name + "#0\ta dog runs\n";
    }
    return folder_.write("hundred.token", lines);
  }
  static std::vector<std::string> names(const std::vector<CaptionedPhoto>& photos) {
    std::vector<std::string> all;
    for (const CaptionedPhoto& one : photos) all.push_back(one.name);
    return all;
  }
  static std::string why(const Expected<Splits>& refused) {
    EXPECT_FALSE(refused);
    return refused ? "" : refused.error().message;
  }

  test::TempDir folder_;
};

TEST_F(SplitsTest, TakesTheEditedCaptionsOfAnArchive) {
  const std::string archive = at("archive.db");
  auto db = sqlite::Database::open(archive, sqlite::Mode::read_write);
  ASSERT_TRUE(db);
  ASSERT_TRUE(migrations::migrate(*db));
  for (const char* name : {"photos/a.jpg", "photos/sub/b.jpg", "photos/c.jpg", "more/a.jpg"}) {
    photo(name);
  }
  const auto edit = [&db](int root, const std::string& path, const std::string& caption) {
    db->query(
          "INSERT INTO caption_edit (root_id, path, action, caption, edited_by, edited_unix_ms) "
          "VALUES (?, ?, iif(?3 = '', 'unset', 'set'), nullif(?3, ''), 'ana', 1)")
        .with(root, sqlite::Blob{path}, caption)
        .run();
  };
  ASSERT_TRUE(db->write("fill", [&] {
    for (const char* folder : {"photos", "more"}) {
      db->query("INSERT INTO root (name, folder) VALUES (?, ?)")
          .with(folder, sqlite::Blob{at(folder)})
          .run();
    }
    edit(1, "sub/b.jpg", "our old boat");
    edit(1, "sub/b.jpg", "our new boat");
    edit(1, "c.jpg", "taken back");
    edit(1, "c.jpg", "");
    edit(1, "a.jpg", "Ana");
    edit(2, "a.jpg", "Ben");
  }));

  const auto photos = read_split(sources({archive}), "");

  ASSERT_TRUE(photos) << photos.error().message;
  EXPECT_THAT(names(*photos),
              UnorderedElementsAre("sub/b.jpg", at("photos/a.jpg"), at("more/a.jpg")));
  for (const CaptionedPhoto& one : *photos) {
    if (one.name != "sub/b.jpg") continue;
    EXPECT_EQ(one.path, at("photos/sub/b.jpg"));
    EXPECT_THAT(one.captions, ElementsAre(Tokens{"our", "new", "boat"}));
  }
  ASSERT_TRUE(db->write("empty", [&] { db->execute("DELETE FROM caption_edit"); }));
  EXPECT_THAT(read_split(sources({archive}), "").error().message,
              HasSubstr("nobody edited a caption"));
}

constexpr const char* kKarpathy = R"({"dataset": "coco", "images": [
  {"filepath": "val2014", "filename": "a.jpg", "split": "test", "sentences": [{"raw": "A dog."}]},
  {"filepath": "train2014", "filename": "b.jpg", "split": "train", "sentences": [{"raw": "A cat."}]},
  {"filepath": "val2014", "filename": "c.jpg", "split": "restval", "sentences": [{"raw": "A bus."}]},
  {"filepath": "val2014", "filename": "d.jpg", "split": "val", "sentences": [{"raw": "A man."}]}]})";

TEST_F(SplitsTest, KarpathysFoldersAndSplitsAreTakenAsTheFileHasThem) {
  for (const char* name : {"val2014/a.jpg", "train2014/b.jpg", "val2014/c.jpg", "val2014/d.jpg"})
    photo(std::string("photos/") + name);
  const std::string captions = folder_.write("dataset_coco.json", kKarpathy);
  const auto splits = read_splits(sources({captions}), {});
  ASSERT_TRUE(splits) << splits.error().message;
  EXPECT_THAT(names(splits->train), ElementsAre("b.jpg", "c.jpg"));
  EXPECT_THAT(names(splits->dev), ElementsAre("d.jpg"));
  EXPECT_EQ(splits->train[0].path, at("photos/train2014/b.jpg"));
  EXPECT_EQ(splits->dev[0].path, at("photos/val2014/d.jpg"));
  EXPECT_EQ(splits->held_out, "");
  const auto test = read_split(sources({captions}), "test");
  ASSERT_TRUE(test) << test.error().message;
  EXPECT_THAT(names(*test), ElementsAre("a.jpg"));
  const auto two = read_split(sources({captions}), "test+val");
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_THAT(names(*two), ElementsAre("a.jpg", "d.jpg"));
}

TEST_F(SplitsTest, CocosTwoFilesAndFoldersAreTrainAndDev) {
  photo("train2014/one.jpg");
  photo("val2014/two.jpg");
  const std::string train = folder_.write(
      "captions_train2014.json",
      R"({"images": [{"id": 1, "file_name": "one.jpg"}], "annotations": [{"image_id": 1, "id": 5, "caption": "A dog."}]})");
  const std::string val = folder_.write(
      "captions_val2014.json",
      R"({"images": [{"id": 2, "file_name": "two.jpg"}], "annotations": [{"image_id": 2, "id": 6, "caption": "A cat."}]})");
  const CaptionSources both{{at("train2014"), at("val2014")}, {train}};
  const auto splits = read_splits(both, {.dev_captions = {val}});
  ASSERT_TRUE(splits) << splits.error().message;
  EXPECT_EQ(splits->train[0].path, at("train2014/one.jpg"));
  EXPECT_EQ(splits->dev[0].path, at("val2014/two.jpg"));
  const auto together = read_split({both.photos, {train, val}}, "");
  ASSERT_TRUE(together) << together.error().message;
  EXPECT_THAT(names(*together), ElementsAre("one.jpg", "two.jpg"));
}

TEST_F(SplitsTest, JsonLinesMayNameFoldersAndSplits) {
  photo("photos/2019/a.jpg");
  photo("photos/2020/b c.jpg");
  const std::string captions = folder_.write(
      "mine.jsonl", R"({"path": "2019/a.jpg", "caption": "a dog", "split": "train"})"
                    "\n"
                    R"({"uri": "photos/2020/b%20c.jpg", "captions": ["a cat"], "split": "val"})"
                    "\n");
  const auto splits = read_splits(sources({captions}), {});
  ASSERT_TRUE(splits) << splits.error().message;
  EXPECT_EQ(splits->train[0].path, at("photos/2019/a.jpg"));
  EXPECT_EQ(splits->dev[0].path, at("photos/2020/b c.jpg"));
}

TEST_F(SplitsTest, APhotoIsFoundBelowTheFolderByItsName) {
  photo("photos/deep/below/a.jpg");
  photo("photos/b.jpg");
  const std::string captions = folder_.write("c.csv", "image,caption\na.jpg,a dog\nb.jpg,a cat\n");
  const auto split = read_split(sources({captions}), "");
  ASSERT_TRUE(split) << split.error().message;
  EXPECT_EQ(split->at(0).path, at("photos/deep/below/a.jpg"));
}

TEST_F(SplitsTest, ANameOfTwoPhotosIsRefusedNamingBoth) {
  photo("photos/one/a.jpg");
  photo("photos/two/a.jpg");
  photo("photos/b.jpg");
  const std::string captions = folder_.write("c.csv", "image,caption\na.jpg,a dog\nb.jpg,a cat\n");
  const auto split = read_split(sources({captions}), "");
  ASSERT_FALSE(split);
  EXPECT_THAT(split.error().message,
              AllOf(HasSubstr("photos/one/a.jpg"), HasSubstr("photos/two/a.jpg")));
  const std::string with_folder =
      folder_.write("d.csv", "image,caption\ntwo/a.jpg,a dog\nb.jpg,a cat\n");
  const auto named = read_split(sources({with_folder}), "");
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ(named->at(0).path, at("photos/two/a.jpg"));
}

TEST_F(SplitsTest, WithoutListsATenthIsHeldOutTheSameInEveryRun) {
  const std::string captions = hundred();
  const auto first = read_splits(sources({captions}), {});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->train.size() + first->dev.size(), 100U);
  EXPECT_GE(first->dev.size(), 4U);
  EXPECT_LE(first->dev.size(), 20U);
  EXPECT_THAT(first->held_out, HasSubstr(" of 100 held out"));
  // With fewer photos the remaining ones stay where they were.
  std::string half;
  for (int i = 0; i < 50; ++i) half += "n" + std::to_string(i) + ".jpg#0\ta dog runs\n";
  const auto fewer = read_splits(sources({folder_.write("half.token", half)}), {});
  ASSERT_TRUE(fewer) << fewer.error().message;
  const auto before = names(first->dev);
  for (const std::string& name : names(fewer->dev))
    EXPECT_NE(std::find(before.begin(), before.end(), name), before.end()) << name;
  for (const std::string& name : names(fewer->train))
    EXPECT_EQ(std::find(before.begin(), before.end(), name), before.end()) << name;
  const auto more = read_splits(sources({captions}), {.dev_share = 0.5});
  ASSERT_TRUE(more) << more.error().message;
  EXPECT_GT(more->dev.size(), 30U);
}

TEST_F(SplitsTest, TwoPhotosAreEnoughAndOneIsNot) {
  photo("photos/a.jpg");
  photo("photos/b.jpg");
  const std::string two = folder_.write("two.token", "a.jpg#0\ta dog\nb.jpg#0\ta cat\n");
  const auto splits = read_splits(sources({two}), {});
  ASSERT_TRUE(splits) << splits.error().message;
  EXPECT_EQ(splits->train.size(), 1U);
  EXPECT_EQ(splits->dev.size(), 1U);
  const std::string one = folder_.write("one.token", "a.jpg#0\ta dog\n");
  EXPECT_THAT(why(read_splits(sources({one}), {})),
              AllOf(HasSubstr("one.token: 1 photo with captions"), HasSubstr("are needed")));
}

TEST_F(SplitsTest, WithADevListAllOthersAreLearntFrom) {
  const std::string captions = hundred(), dev = folder_.write("dev.txt", "n3.jpg\nn4.jpg\n");
  const auto splits = read_splits(sources({captions}), {.dev = dev});
  ASSERT_TRUE(splits) << splits.error().message;
  EXPECT_THAT(names(splits->dev), ElementsAre("n3.jpg", "n4.jpg"));
  EXPECT_EQ(splits->train.size(), 98U);
}

TEST_F(SplitsTest, WithATrainListAShareOfItIsHeldOut) {
  std::string list;
  for (int i = 0; i < 60; ++i) list += "photos/n" + std::to_string(i) + ".jpg\n";  // with a folder
  const auto splits =
      read_splits(sources({hundred()}), {.train = folder_.write("train.txt", list)});
  ASSERT_TRUE(splits) << splits.error().message;
  EXPECT_EQ(splits->train.size() + splits->dev.size(), 60U);
  EXPECT_FALSE(splits->dev.empty());
}

TEST_F(SplitsTest, ADevListThatOverlapsTrainIsRefusedSayingWhich) {
  const std::string captions = hundred();
  SplitChoice choice{.train = folder_.write("train.txt", "n1.jpg\nn2.jpg\nn3.jpg\n"),
                     .dev = folder_.write("dev.txt", "n2.jpg\nn9.jpg\n")};
  EXPECT_THAT(why(read_splits(sources({captions}), choice)),
              AllOf(HasSubstr("1 photo of 2 for evaluation"), HasSubstr("n2.jpg"),
                    HasSubstr("--allow-overlap")));
  choice.overlap = true;
  EXPECT_TRUE(read_splits(sources({captions}), choice));
}

TEST_F(SplitsTest, ListedPhotosThatAreMissingAreRefusedOrLeftOut) {
  const std::string captions =
      folder_.write("c.token", "a.jpg#0\ta dog\nb.jpg#0\ta cat\nc.jpg#0\ta bus\nd.jpg#0\ta man\n");
  photo("photos/a.jpg");
  photo("photos/b.jpg");
  const std::string list = folder_.write("list.txt", "a.jpg\nc.jpg\nd.jpg\nb.jpg\n");
  CaptionSources from = sources({captions});
  const auto refused = read_split(from, list);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("list.txt: 2 of the 4 photos are not in"), HasSubstr("c.jpg, d.jpg"),
                    HasSubstr("--skip-missing"), HasSubstr("--photos")));
  from.skip_missing = true;
  const auto left = read_split(from, list);
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_THAT(names(*left), ElementsAre("a.jpg", "b.jpg"));
}

TEST_F(SplitsTest, CaptionsOfNoPhotoAreReportedAndLeftOut) {
  photo("photos/a.jpg");
  const std::string captions =
      folder_.write("c.token", "a.jpg#0\ta dog\nb.jpg#0\ta cat\nc.jpg#0\ta bus\n");
  testing::internal::CaptureStderr();
  const auto split = read_split(sources({captions}), "");
  const std::string printed = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(split) << split.error().message;
  EXPECT_THAT(names(*split), ElementsAre("a.jpg"));
  EXPECT_THAT(printed, AllOf(HasSubstr("2 of the 3 photos with captions are not in"),
                             HasSubstr("b.jpg, c.jpg")));
}

TEST_F(SplitsTest, CaptionsOfNoPhotoAtAllAreRefusedShowingBothNames) {
  photo("photos/IMG_1.jpg");
  const std::string captions = folder_.write("c.token", "a.jpg#0\ta dog\n");
  const auto split = read_split(sources({captions}), "");
  ASSERT_FALSE(split);
  EXPECT_THAT(split.error().message, AllOf(HasSubstr("photos: holds no photo"), HasSubstr("a.jpg"),
                                           HasSubstr("IMG_1.jpg")));
}

TEST_F(SplitsTest, AListThatNamesPhotosWithoutCaptionsIsRefusedCountingThem) {
  const std::string captions = hundred();
  const std::string list = folder_.write("list.txt", "n1.jpg\nx.jpg\ny.jpg\n");
  const auto split = read_split(sources({captions}), list);
  ASSERT_FALSE(split);
  EXPECT_THAT(split.error().message,
              AllOf(HasSubstr("list.txt: 2 of its 3 photos have no caption in"),
                    HasSubstr("line 2: x.jpg, line 3: y.jpg")));
}

TEST_F(SplitsTest, AWrongSplitNameListsThoseThatThereAre) {
  const std::string captions = folder_.write("dataset_coco.json", kKarpathy);
  const auto split = read_split({{}, {captions}}, "tset");
  ASSERT_FALSE(split);
  EXPECT_EQ(split.error().code, Errc::usage);
  EXPECT_THAT(split.error().message, HasSubstr("there are: restval, test, train, val"));
  const auto none = read_split(sources({hundred()}), "test");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("has no splits; give a list"));
}

TEST_F(SplitsTest, APhotoWhoseCaptionHasNoWordIsLeftOut) {
  const std::string captions = folder_.write("c.token", "a.jpg#0\ta dog\nb.jpg#0\t...\n");
  const auto split = read_split({{}, {captions}}, "");
  ASSERT_TRUE(split) << split.error().message;
  EXPECT_THAT(names(*split), ElementsAre("a.jpg"));
}

TEST_F(SplitsTest, AWrittenListIsReadBack) {
  const std::string captions = hundred();
  const std::string list = folder_.write("list.txt", "n7.jpg\t3\nn1.jpg\n");
  const auto split = read_split(sources({captions}), list);
  ASSERT_TRUE(split) << split.error().message;
  ASSERT_TRUE(write_list(at("again.txt"), *split));
  const auto again = read_split(sources({captions}), at("again.txt"));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(names(*again), ElementsAre("n7.jpg", "n1.jpg"));
  EXPECT_EQ(again->at(0).times, 3);
}

TEST(WordCounts, NoWordFiveTimesSaysWhatToDo) {
  const auto none = make_vocabulary({{"a.jpg", {{"a", "dog"}, {"a", "cat"}}}}, {}, {});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message,
              AllOf(HasSubstr("no word occurs 5 times"), HasSubstr("--words-count-min 2 or less")));
}

}  // namespace
}  // namespace photoscribe
