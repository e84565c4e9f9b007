// Reference captions: their files, their photos, their scores.
#include "scheduler/store/references.h"

#include <gmock/gmock.h>

#include <cmath>

#include "common/scores/tokenize.h"
#include "tests/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(FlickrTokens, GroupsCaptionsByPhoto) {
  const auto references = must(parse_flickr_tokens(
      "a.jpg#0\tA dog runs .\r\nb.jpg#0\t A cat .\r\n\r\na.jpg#1\tThe dog\twith a tab\n", "f"));

  ASSERT_THAT(references, SizeIs(2));
  EXPECT_EQ(references[0].file_name, "a.jpg");
  EXPECT_THAT(references[0].captions, ElementsAre("A dog runs .", "The dog\twith a tab"));
  EXPECT_THAT(references[1].captions, ElementsAre("A cat ."));
}

TEST(FlickrTokens, NamesTheLineThatIsWrong) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"a.jpg#0 no tab\n", "line 1: no tab"},
      {"a.jpg#0\tfine\n\nb.jpg\tno number\n", "line 3: the name must end in #"},
      {"a.jpg#x\tcaption\n", "\"x\" is not a caption number"},
      {"a.jpg#0\t \n", "the caption is empty"},
      {"a.jpg#0\tone\na.jpg#0\ttwo\n", "line 2: a.jpg has caption number 0 twice"},
      {"a.jpg#0\tcaf\xe9\n", "not UTF-8"},
      {"", "holds no captions"},
  };
  for (const auto& one : cases) {
    const auto refused = parse_flickr_tokens(one.text, "captions.txt");
    ASSERT_FALSE(refused) << one.text;
    EXPECT_EQ(refused.error().code, Errc::invalid_config);
    EXPECT_THAT(refused.error().message, HasSubstr(one.why));
    EXPECT_THAT(refused.error().message, HasSubstr("captions.txt"));
  }
}

TEST(FlickrTokens, ReadsTheRealFile) {
  const std::string file =
      std::string(PHOTOSCRIBE_SOURCE_DIR) + "/../shared/data/flickr8k/Flickr8k.token.txt";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not here";

  const auto references = must(read_references(file));

  EXPECT_THAT(references, SizeIs(7000));
  for (const auto& one : references) EXPECT_THAT(one.captions, SizeIs(5)) << one.file_name;
}

TEST(SplitList, ReadsNames) {
  const TempDir folder;

  EXPECT_THAT(must(read_split_list(folder.write("a.txt", "a.jpg\r\n\nimages/b c.jpg\n"))),
              UnorderedElementsAre("a.jpg", "b c.jpg"));
  EXPECT_EQ(read_split_list(folder.write("b.txt", "\n")).error().code, Errc::invalid_config);
  EXPECT_EQ(read_split_list(folder.write("c.txt", "")).error().code, Errc::invalid_config);
  EXPECT_EQ(read_split_list(folder.file("none.txt")).error().code, Errc::environment);
}

class ReferenceCaptions : public StoreTest {
 protected:
  static std::vector<Store::NamedReferences> references() {
    return {{"a.jpg", {"a dog runs on the grass", "the brown dog is running"}},
            {"absent.jpg", {"nothing"}}};
  }
  static BleuCounts expected(const std::string& caption) {
    std::vector<Tokens> tokens;
    const auto all = references();
    for (const auto& one : all[0].captions) tokens.push_back(ptb_tokens(one));
    return count_bleu(ptb_tokens(caption), tokens);
  }
  std::optional<CorpusBleu> corpus() { return must(store().summary(run())).bleu; }
};

TEST_F(ReferenceCaptions, GoToEveryPhotoOfTheirName) {
  scan({file("a.jpg"), file("sub/a.jpg"), file("b.jpg")});
  const auto tasks = take();

  EXPECT_EQ(must(store().set_references(run(), references())), 2);

  EXPECT_THAT(must(store().references_of(tasks[1].image_id)), SizeIs(2));
  EXPECT_THAT(must(store().references_of(tasks[2].image_id)), SizeIs(0));
  EXPECT_EQ(must(store().summary(run())).images_with_references, 2);
}

TEST_F(ReferenceCaptions, ScoreACaptionAsItComes) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  must(store().set_references(run(), references()));

  record({captioned(tasks[0], "a dog runs on grass"), captioned(tasks[1], "a cat")});

  const auto counts = expected("a dog runs on grass");
  const auto sum = corpus();
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->photos, 1);
  EXPECT_EQ(sum->counts, counts);
  std::vector<ResultRow> rows;
  must(store().for_each_result(run(), [&](const ResultRow& row) {
    rows.push_back(row);
    return Status();
  }));
  ASSERT_THAT(rows, SizeIs(2));
  for (std::size_t n = 0; n < 4; ++n) {
    EXPECT_NEAR(rows[0].bleu[n].value(), bleu(counts)[n], 1e-12);
    EXPECT_EQ(rows[1].bleu[n], std::nullopt);
  }
}

TEST_F(ReferenceCaptions, ScoreCaptionsThatWereThereBefore) {
  scan({file("a.jpg")});
  record({captioned(take()[0], "a dog runs on grass")});
  EXPECT_FALSE(corpus());

  must(store().set_references(run(), references()));

  EXPECT_EQ(corpus()->counts, expected("a dog runs on grass"));
}

TEST_F(ReferenceCaptions, ReplaceThoseOfAnEarlierFile) {
  scan({file("a.jpg")});
  record({captioned(take()[0], "a dog runs on grass")});
  must(store().set_references(run(), std::vector<Store::NamedReferences>{{"a.jpg", {"wrong"}}}));

  must(store().set_references(run(), references()));
  must(store().set_references(run(), references()));

  EXPECT_EQ(corpus()->counts, expected("a dog runs on grass"));
}

TEST_F(ReferenceCaptions, ScoreARestoredCaption) {
  scan({file("a.jpg")});
  must(store().set_references(run(), references()));
  record({captioned(take()[0], "a dog runs on grass", 150)});

  must(store().ensure_run("default", settings(200)));
  EXPECT_EQ(corpus()->photos, 0);
  must(store().ensure_run("default", settings(100)));

  EXPECT_EQ(corpus()->counts, expected("a dog runs on grass"));
}

}  // namespace
}  // namespace photoscribe::test
