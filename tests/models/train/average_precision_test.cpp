#include "models/train/progress/average_precision.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

namespace photoscribe {
namespace {

torch::Tensor column(const std::vector<float>& values) { return at::tensor(values).unsqueeze(1); }

/// Values of scikit-learn's average_precision_score().
TEST(AveragePrecision, IsThatOfTheRanking) {
  const auto of = [](const std::vector<float>& scores, const std::vector<float>& positive) {
    return mean_average_precision(column(scores), column(positive).gt(0)).mean;
  };
  EXPECT_DOUBLE_EQ(of({0.9F, 0.8F, 0.7F, 0.1F}, {1, 1, 1, 0}), 1);
  EXPECT_DOUBLE_EQ(of({0.9F, 0.8F, 0.7F, 0.6F, 0.5F}, {1, 0, 1, 0, 1}),
                   (1 + 2.0 / 3 + 3.0 / 5) / 3);
  EXPECT_DOUBLE_EQ(of({0.1F, 0.2F, 0.3F, 0.4F}, {1, 1, 1, 0}), (1.0 / 2 + 2.0 / 3 + 3.0 / 4) / 3);
}

TEST(AveragePrecision, EqualScoresAreOneRankSoAConstantGetsTheShareOfPositives) {
  EXPECT_DOUBLE_EQ(mean_average_precision(column({5, 5, 5, 5}), column({1, 0, 1, 1}).gt(0)).mean,
                   0.75);
}

TEST(AveragePrecision, WhatIsNoNumberIsTheLeastLikely) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_DOUBLE_EQ(
      mean_average_precision(column({nan, 0.5F, 0.4F, 0.3F}), column({0, 1, 1, 1}).gt(0)).mean, 1);
  EXPECT_DOUBLE_EQ(
      mean_average_precision(column({nan, nan, nan, nan}), column({1, 1, 1, 0}).gt(0)).mean, 0.75);
}

TEST(AveragePrecision, ConceptsTooRareToRankDoNotCount) {
  const torch::Tensor scores =
      at::tensor({0.9F, 0.1F, 0.8F, 0.9F, 0.7F, 0.2F, 0.6F, 0.8F}).view({4, 2});
  const torch::Tensor positive = at::tensor({1, 1, 1, 0, 1, 1, 0, 0}).view({4, 2}).gt(0);
  const MeanAveragePrecision score = mean_average_precision(scores, positive);
  EXPECT_EQ(score.concepts, 1);
  EXPECT_DOUBLE_EQ(score.mean, 1);
  EXPECT_EQ(mean_average_precision(scores, at::zeros_like(positive)).concepts, 0);
}

}  // namespace
}  // namespace photoscribe
