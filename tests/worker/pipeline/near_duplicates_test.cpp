#include "worker/pipeline/near_duplicates.h"

#include <gtest/gtest.h>

namespace photoscribe {
namespace {

constexpr std::int64_t kAsking = -1;  // an image of which nothing is known

Caption words(const std::string& text) { return Caption{text, -1.5, 2}; }

TEST(NearDuplicates, FindsTheNearestWithinTheDistance) {
  NearDuplicates known;
  known.add("run", 0b0000, 1, words("far"));
  known.add("run", 0b0111, 2, words("near"));

  const auto found = known.find("run", 0b1111, 3, kAsking);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->caption.text, "near");
  EXPECT_EQ(found->from, (CopiedFrom{2, 1}));
  EXPECT_FALSE(known.find("run", ~std::uint64_t{0b0111}, 16, kAsking));
  EXPECT_EQ(known.find("run", 0b0111, 0, kAsking)->from.hash_distance, 0);
}

TEST(NearDuplicates, DoesNotFindThePhotoItself) {
  NearDuplicates known;
  known.add("run", 7, 1, words("itself, at an earlier attempt"));
  EXPECT_FALSE(known.find("run", 7, 6, 1));
  known.add("run", 6, 2, words("another"));
  EXPECT_EQ(known.find("run", 7, 6, 1)->from, (CopiedFrom{2, 1}));
}

TEST(NearDuplicates, PrefersTheNewestOfEquallyNearOnes) {
  NearDuplicates known;
  known.add("run", 1, 1, words("old"));
  known.add("run", 2, 2, words("new"));
  EXPECT_EQ(known.find("run", 3, 4, kAsking)->from.image_id, 2);
}

TEST(NearDuplicates, KeepsRunsApartAndForgetsTheOneLongestUnused) {
  NearDuplicates known;
  known.add("a", 5, 1, words("of a"));
  EXPECT_FALSE(known.find("b", 5, 4, kAsking));
  known.add("b", 5, 2, words("of b"));
  for (std::size_t i = 2; i < NearDuplicates::kRunsMax; ++i) {
    known.add("run " + std::to_string(i), 5, 3, words("of others"));
  }
  EXPECT_TRUE(known.find("a", 5, 0, kAsking));
  known.add("one more", 5, 4, words("of one more"));  // b goes
  EXPECT_TRUE(known.find("a", 5, 0, kAsking));
  EXPECT_FALSE(known.find("b", 5, 0, kAsking));
}

TEST(NearDuplicates, ForgetsTheOldestOfARunThatHasTooMany) {
  NearDuplicates known;
  const auto hash_of = [](std::size_t i) { return std::uint64_t{i} * 0x1001; };
  for (std::size_t i = 0; i < NearDuplicates::kCaptionsMax + 2; ++i) {
    known.add("run", hash_of(i), static_cast<std::int64_t>(i), words("x"));
  }
  EXPECT_FALSE(known.find("run", hash_of(0), 0, kAsking));
  EXPECT_FALSE(known.find("run", hash_of(1), 0, kAsking));
  EXPECT_EQ(known.find("run", hash_of(2), 0, kAsking)->from.image_id, 2);
  const auto last = NearDuplicates::kCaptionsMax + 1;
  EXPECT_EQ(known.find("run", hash_of(last), 0, kAsking)->from.image_id,
            static_cast<std::int64_t>(last));
}

}  // namespace
}  // namespace photoscribe
