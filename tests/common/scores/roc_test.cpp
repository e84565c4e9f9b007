// How well a score tells blurred photos from clear ones.
#include "common/scores/roc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace photoscribe {
namespace {

LabelledPhotos photos(std::vector<bool> blurred) {
  LabelledPhotos all;
  for (std::uint32_t i = 0; i < blurred.size(); ++i) all.group.push_back(i);
  all.groups = static_cast<std::uint32_t>(blurred.size());
  all.blurred = std::move(blurred);
  return all;
}

TEST(RocArea, IsTheShareOfPairsInTheRightOrder) {
  const std::vector<double> scores{1, 3, 2, 4};

  EXPECT_EQ(roc_area(photos({true, true, false, false}), scores), 0.75);
  EXPECT_EQ(roc_area(photos({true, false, true, false}), scores), 1);
  EXPECT_EQ(roc_area(photos({false, true, false, true}), scores), 0);
  EXPECT_EQ(roc_area(photos({true, false, true, false}), std::vector<double>(4, 7)), 0.5);
}

TEST(RocCurve, PutsThresholdsBetweenScores) {
  const auto labelled = photos({true, true, false, false, false});
  const auto curve = roc_curve(labelled, std::vector<double>{1, 3, 2, 4, 4});

  ASSERT_EQ(curve.size(), 5U);
  EXPECT_EQ(curve[0].caught, 0);
  EXPECT_EQ(curve[1].threshold, 1.5);
  EXPECT_EQ(curve[1].caught, 0.5);
  EXPECT_EQ(curve[3].threshold, 3.5);
  EXPECT_EQ(curve[3].caught, 1);
  EXPECT_NEAR(curve[3].false_rejects, 1.0 / 3, 1e-12);
  EXPECT_EQ(curve[4].false_rejects, 1);
  EXPECT_GT(curve[4].threshold, 4);
}

TEST(RocCurve, GivesYoudensPointAndThatOfARate) {
  const auto labelled = photos({true, true, true, false, false, false, false});
  const auto curve = roc_curve(labelled, std::vector<double>{1, 2, 5, 3, 6, 7, 8});

  EXPECT_EQ(youden_point(curve).threshold, 5.5);
  EXPECT_EQ(point_at_false_rejects(curve, 0.2).threshold, 2.5);
  EXPECT_EQ(point_at_false_rejects(curve, 0.25).threshold, 5.5);
  EXPECT_EQ(point_at_false_rejects(curve, 0).caught, 2.0 / 3);
}

TEST(ResampledAreas, DrawGroupsAndPairTheScores) {
  std::mt19937 random(1);
  std::normal_distribution<> noise;
  LabelledPhotos labelled;
  std::vector<std::vector<double>> scores(2);
  for (std::uint32_t group = 0; group < 60; ++group) {
    const double level = 3 * noise(random);  // of the group: the same for all its photos
    for (int i = 0; i < 4; ++i) {
      labelled.blurred.push_back(i % 2 == 0);
      labelled.group.push_back(group);
      scores[0].push_back(level + (i % 2 == 0 ? 0 : 2) + noise(random));
      scores[1].push_back(scores[0].back());
    }
  }
  labelled.groups = 60;
  const auto areas = resampled_areas(labelled, scores, 500, 7);

  const AreaInterval interval = middle_95(areas[0]);
  const double area = roc_area(labelled, scores[0]);
  EXPECT_LT(interval.low, area);
  EXPECT_GT(interval.high, area);
  EXPECT_EQ(areas[0], areas[1]);  // the same draws
  EXPECT_EQ(areas, resampled_areas(labelled, scores, 500, 7));
}

}  // namespace
}  // namespace photoscribe
