// Fitting a probability, and judging how well it holds.
#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "ops/report/confidence_fit.h"

namespace photoscribe::report {
namespace {

using testing::DoubleNear;

/// Captions whose odds follow a known model.
std::vector<JudgedCaption> drawn(const ConfidenceModel& truth, std::size_t count) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<JudgedCaption> captions;
  for (std::size_t i = 0; i < count; ++i) {
    JudgedCaption one;
    one.features = confidence_features(-30 * unit(random), 5 + static_cast<int>(10 * unit(random)),
                                       100 + 4000 * unit(random));
    one.good = unit(random) < confidence(truth, one.features);
    captions.push_back(one);
  }
  return captions;
}

const ConfidenceModel kTruth{2.0, {1.5, -0.1, 0.3}};

TEST(FitConfidence, FindsTheModelThatTheCaptionsCameFrom) {
  const auto fitted = fit_confidence(drawn(kTruth, 40'000));

  ASSERT_TRUE(fitted);
  EXPECT_THAT(fitted->weights[0], DoubleNear(kTruth.weights[0], 0.1));
  EXPECT_THAT(fitted->weights[1], DoubleNear(kTruth.weights[1], 0.03));
  const auto features = confidence_features(-8, 9, 900);
  EXPECT_THAT(confidence(*fitted, features), DoubleNear(confidence(kTruth, features), 0.02));
}

TEST(FitConfidence, IsWhereTheLikelihoodIsFlat) {
  const auto captions = drawn(kTruth, 500);
  const auto fitted = fit_confidence(captions);
  ASSERT_TRUE(fitted);

  double residuals = 0;  // the bias' own equation, but for the ridge
  for (const JudgedCaption& one : captions) {
    residuals += confidence(*fitted, one.features) - (one.good ? 1 : 0);
  }
  EXPECT_NEAR(residuals / 500, 0, 2e-3);
}

TEST(FitConfidence, RefusesWhatCannotTell) {
  EXPECT_FALSE(fit_confidence(drawn(kTruth, 20)));
  std::vector<JudgedCaption> all_good(100);
  for (JudgedCaption& one : all_good) one.good = true;
  EXPECT_FALSE(fit_confidence(all_good));
}

TEST(Reliability, OfHandMadeProbabilities) {
  const std::vector<double> p{0.1, 0.1, 0.9, 0.9};

  const Reliability r = reliability_of(p, {false, true, true, true});

  ASSERT_EQ(r.bins.size(), 2U);
  EXPECT_DOUBLE_EQ(r.bins[0].good, 0.5);
  EXPECT_DOUBLE_EQ(r.bins[1].predicted, 0.9);
  EXPECT_DOUBLE_EQ(r.share_good, 0.75);
  EXPECT_DOUBLE_EQ(r.brier, (0.01 + 0.81 + 0.01 + 0.01) / 4);
  EXPECT_NEAR(r.ece, 0.5 * 0.4 + 0.5 * 0.1, 1e-12);
  EXPECT_NEAR(r.auc, (0.5 + 1 + 1) / 3, 1e-12);  // of three pairs, one is a tie
}

TEST(Reliability, HoldsOnCaptionsThatTheFitDidNotSee) {
  const auto captions = drawn(kTruth, 3'000);
  const auto probabilities = cross_validated(captions);
  ASSERT_TRUE(probabilities);
  std::vector<bool> good;
  for (const JudgedCaption& one : captions) good.push_back(one.good);

  const Reliability r = reliability_of(*probabilities, good);

  EXPECT_LT(r.ece, 0.04);
  EXPECT_GT(r.auc, 0.6);
  EXPECT_LT(r.brier, r.share_good * (1 - r.share_good));
}

}  // namespace
}  // namespace photoscribe::report
