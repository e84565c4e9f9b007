// What only the big data shows: the blur score of photographs that cameras made.
#include "tests/support/shared_data.h"

#include "tests/common/image/opencv_table.h"

namespace photoscribe::test {
namespace {

TEST(SharedData, OpencvScoresAreMetByAllOriginals) {
  const auto table = shared_data("blur/opencv_scores.tsv");
  const auto photos = shared_data("flickr8k/originals");
  if (!table.there || !photos.there) GTEST_SKIP() << table.why_not << photos.why_not;

  EXPECT_EQ(hold_against_opencv(table.path, photos.path), 90);
}

}  // namespace
}  // namespace photoscribe::test
