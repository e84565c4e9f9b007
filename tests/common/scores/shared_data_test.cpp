// What only the big data shows: coco-caption's own scores, and a file of captions as people have
// it.
#include "tests/support/shared_data.h"

#include <gmock/gmock.h>

#include <iostream>

#include "common/scores/caption_file.h"
#include "tests/common/scores/score_cases.h"

namespace photoscribe::test {
namespace {

TEST(SharedData, ScoresAreCocoCaptionsOwn) {
  const auto file = shared_data("metrics/coco_caption_cases.json");
  if (!file.there) GTEST_SKIP() << file.why_not;

  const LargestDifference largest = difference_of_score_photos(read_coco_cases(file.path));

  std::cout << largest << "\n";
  EXPECT_LT(largest.value, 1e-9) << largest.where;
}

TEST(SharedData, TheRealFlickr8kIsReadWhole) {
  const auto file = shared_data("flickr8k/Flickr8k.token.txt");
  if (!file.there) GTEST_SKIP() << file.why_not;

  const auto got = read_references(file.path);

  ASSERT_TRUE(got) << got.error().message;
  EXPECT_THAT(*got, testing::SizeIs(7000));
  for (const auto& one : *got) EXPECT_THAT(one.captions, testing::SizeIs(5)) << one.file_name;
}

}  // namespace
}  // namespace photoscribe::test
