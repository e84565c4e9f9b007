// Fitting a probability, and judging how well it holds.
#include <gmock/gmock.h>

#include <cmath>
#include <random>
#include <utility>

#include "common/scores/confidence_fit.h"

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

TEST(Confidence, CutsEvidenceToItsRange) {
  const auto wild = confidence_features(-3.5, 4, 99, CaptionEvidence{-1e9, 7, 0, -3, 1e12});
  const auto usual = confidence_features(-3.5, 4, 99, CaptionEvidence{-2, 0.5, 1, 0.25, 0});

  EXPECT_EQ(usual, (ConfidenceFeatures{{-0.7, 4, 2, -2, 0.5, 0, 0.25, 0}, {}}));
  EXPECT_EQ(wild.terms[3], -20);
  EXPECT_EQ(wild.terms[4], 1);
  EXPECT_DOUBLE_EQ(*wild.terms[5], std::log(1e-4));
  EXPECT_EQ(wild.terms[6], 0);
  EXPECT_DOUBLE_EQ(*wild.terms[7], std::log1p(1e6));
  EXPECT_EQ(confidence_features(-3.5, 4, 99).terms[3], std::nullopt);
}

TEST(Confidence, CountsWhatIsNotKnownAsTheMeanOfTheFit) {
  ConfidenceModel model{0.5, {0.1, 0, 0, 0, 2}, {0, 0, 0, 0, 0.75}};
  const auto features = [](double agreement) {
    return confidence_features(-3.5, 4, 99, CaptionEvidence{-2, agreement, 1, 0, 0});
  };

  EXPECT_EQ(confidence(model, confidence_features(-3.5, 4, 99)), confidence(model, features(0.75)));
  EXPECT_LT(confidence(model, features(0.5)), confidence(model, features(0.75)));
}

TEST(Confidence, CountsTheObjectsThatTheModelKnows) {
  const ObjectOffsets known{{"dog", 0}, {"frisbee", 0}};
  const auto features = [](std::vector<NamedObject> objects) {
    return confidence_features(-3.5, 4, 99, CaptionEvidence{-2, 0.5, 1, 0.25, 0},
                               std::move(objects));
  };

  const auto terms =
      confidence_terms(features({{"dog", 0.9}, {"frisbee", 0}, {"sunset", 0}}), known);
  EXPECT_EQ(terms[0], -0.7);
  EXPECT_DOUBLE_EQ(*terms[8], (std::log(9) - std::log(49)) / 2) << "cut to 0.02";
  EXPECT_DOUBLE_EQ(*terms[9], 0.1 + 0.98);
  const auto none = confidence_terms(features({{"sunset", 0.5}}), known);
  EXPECT_DOUBLE_EQ(*none[8], std::log(49)) << "it can be wrong about nothing";
  EXPECT_EQ(none[9], 0);
  const auto unknown = confidence_terms(confidence_features(-3.5, 4, 99, {}, {{"dog", 1}}), known);
  EXPECT_EQ(unknown[8], std::nullopt) << "no classifier";
  EXPECT_EQ(unknown[9], std::nullopt);
}

TEST(Confidence, AnObjectAddsItsOffsetAndToAModelOfBeforeNone) {
  const auto named = confidence_features(-3.5, 4, 99, CaptionEvidence{}, {{"dog", 0.5}});
  const auto plain = confidence_features(-3.5, 4, 99, CaptionEvidence{});
  ConfidenceModel model{0.5, {0.1}};

  EXPECT_EQ(confidence(model, named), confidence(model, plain));
  model.objects = {{"dog", -1}};
  EXPECT_NEAR(confidence(model, named), 1 / (1 + std::exp(-(0.5 - 0.07 - 1))), 1e-12);
}

TEST(Confidence, AMinimumOfZeroLeavesNothingUnsure) {
  EXPECT_FALSE(is_unsure(0.0, 0));
  EXPECT_FALSE(is_unsure(0.5, 0.5));
  EXPECT_TRUE(is_unsure(0.49, 0.5));
  EXPECT_FALSE(is_unsure(std::nullopt, 1));
}

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

TEST(FitConfidence, CountsEveryDomainAlike) {
  std::vector<JudgedCaption> captions(1'100);
  for (std::size_t i = 0; i < captions.size(); ++i) {
    captions[i].features = confidence_features(-4, 9, 500);
    captions[i].domain = i < 1'000 ? 0 : 7;
    captions[i].good = i < 1'000 ? i % 10 != 0 : i % 10 == 0;  // 90 % of the many, 10 % of the few
  }

  const auto weights = domain_weights(captions);
  const auto fitted = fit_confidence(captions);

  ASSERT_TRUE(fitted);
  EXPECT_DOUBLE_EQ(weights.front(), 0.55);
  EXPECT_DOUBLE_EQ(weights.back(), 5.5);
  EXPECT_NEAR(confidence(*fitted, captions[0].features), 0.5, 1e-3);
}

TEST(FitConfidence, LearnsFromEvidenceWhereThereIsSome) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<JudgedCaption> captions;
  for (int i = 0; i < 2'000; ++i) {
    JudgedCaption one;
    const double agreement = unit(random);
    one.good = agreement > 0.5;  // separable by this feature alone
    std::optional<CaptionEvidence> evidence;
    if (i % 4 != 0) evidence = CaptionEvidence{-2, agreement, 1, 0, 0};
    one.features = confidence_features(-8, 9, 500, evidence);
    captions.push_back(one);
  }

  const auto fitted = fit_confidence(captions);

  ASSERT_TRUE(fitted);
  const auto predict = [&](double agreement) {
    return confidence(*fitted,
                      confidence_features(-8, 9, 500, CaptionEvidence{-2, agreement, 1, 0, 0}));
  };
  EXPECT_GT(predict(0.9), 0.9);
  EXPECT_LT(predict(0.1), 0.1);
  EXPECT_NEAR(fitted->means[4], 0.5, 0.02);
  EXPECT_NEAR(confidence(*fitted, confidence_features(-8, 9, 500)), 0.5, 0.1);
}

/// Captions that each name one object: horses are wrong nine times in ten, dogs once, and what no
/// concept speaks for always; cats are not named.
std::vector<JudgedCaption> of_animals(int count) {
  std::vector<JudgedCaption> captions(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < captions.size(); ++i) {
    const std::size_t kind = i % 3;
    const NamedObject object = kind == 0   ? NamedObject{"horse", 0.5}
                               : kind == 1 ? NamedObject{"dog", 0.5}
                                           : NamedObject{"sunset", 0};
    captions[i].features = confidence_features(-4, 9, 500, CaptionEvidence{}, {object});
    const bool tenth = i / 3 % 10 == 0;
    captions[i].good = kind == 0 ? tenth : kind == 1 && !tenth;
  }
  return captions;
}

TEST(FitConfidence, LearnsWhichObjectsAreOftenNamedFalsely) {
  const auto few = fit_confidence(of_animals(60)), many = fit_confidence(of_animals(6'000));

  ASSERT_TRUE(few && many);
  ASSERT_EQ(many->objects.size(), 2U) << "dog and horse: no concept speaks for sunsets";
  EXPECT_LT(many->objects.at("horse"), -1.5);
  EXPECT_GT(many->objects.at("dog"), 1.5);
  EXPECT_GT(few->objects.at("horse"), -1.2) << "twenty captions say little";
  EXPECT_LT(few->objects.at("horse"), -0.2);
}

TEST(MinForPrecision, ShowsAsMuchAsCanBe) {
  std::vector<double> p;
  std::vector<bool> good;
  for (int i = 0; i < 100; ++i) {
    p.push_back(i / 100.0);
    good.push_back(i >= 40);
  }

  const auto min = min_for_precision(p, good, 0.8);

  ASSERT_TRUE(min);
  EXPECT_DOUBLE_EQ(*min, 0.25) << "60 good ones of 75 shown";
  const std::vector<double> at{0, *min, 0.4, 2};
  const auto points = shown_at(p, good, at);
  EXPECT_DOUBLE_EQ(points[0].precision, 0.6);
  EXPECT_DOUBLE_EQ(points[1].precision, 0.8);
  EXPECT_DOUBLE_EQ(points[1].share, 0.75);
  EXPECT_DOUBLE_EQ(points[2].precision, 1);
  EXPECT_EQ(points[3].share, 0);
  EXPECT_EQ(min_for_precision(p, good, 0.6), 0) << "all may be shown";
}

TEST(MinForPrecision, IsNoneWhereTooFewWouldBeLeftAndSplitsNoTie) {
  std::vector<double> p(100, 0.5);
  std::vector<bool> good(100, false);
  for (int i = 0; i < 10; ++i) {
    p[static_cast<std::size_t>(i)] = 0.9;
    good[static_cast<std::size_t>(i)] = true;
  }

  EXPECT_EQ(min_for_precision(p, good, 0.8), std::nullopt);
  EXPECT_EQ(min_for_precision(p, good, 0.8, {}, 10), 0.9);
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
