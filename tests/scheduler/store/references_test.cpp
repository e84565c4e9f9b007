// Reference captions: their photos, their scores.

#include <gmock/gmock.h>

#include <cmath>

#include "common/scores/tokenize.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::SizeIs;

class ReferenceCaptions : public StoreTest {
 protected:
  static std::vector<NamedReferences> references() {
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
  must(store().set_references(run(), std::vector<NamedReferences>{{"a.jpg", {"wrong"}}}));

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
