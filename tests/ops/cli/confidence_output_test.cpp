#include "ops/cli/score/confidence_output.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace photoscribe::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// 200 captions of "flickr", of which those of probability 0.2 and more are right, and 50 of
/// "coco", of which those of 0.6 and more are.
FittedConfidence two_domains(double target_precision) {
  std::vector<JudgedCaption> captions;
  std::vector<double> held_out;
  const auto add = [&](std::size_t domain, int count, double right_from) {
    for (int i = 0; i < count; ++i) {
      JudgedCaption one;
      one.domain = domain;
      held_out.push_back(i / static_cast<double>(count));
      one.good = held_out.back() >= right_from;
      captions.push_back(one);
    }
  };
  add(0, 200, 0.2);
  add(1, 50, 0.6);
  ConfidenceModel model;
  model.bias = 1.5;
  return fitted_confidence(model, captions, held_out, {"flickr", "coco"}, target_precision);
}

TEST(ConfidenceOutput, NamesDomainsByWhatTellsThemApart) {
  EXPECT_THAT(labels_of({{"dev", "default", "images"}}), ElementsAre("dev"));
  EXPECT_THAT(labels_of({{"flickr", "default", "images"}, {"coco", "default", "images"}}),
              ElementsAre("flickr", "coco"));
  EXPECT_THAT(labels_of({{"all", "default", "flickr"}, {"all", "default", "coco"}}),
              ElementsAre("flickr", "coco"));
  EXPECT_THAT(labels_of({{"a", "one", "x"}, {"b", "two", "y"}}), ElementsAre("a/one/x", "b/two/y"));
}

TEST(ConfidenceOutput, PicksTheLeastAtWhichTheDomainsTogetherAreRightOftenEnough) {
  const FittedConfidence fitted = two_domains(0.8);

  // From 0.25 on all 75 % of flickr that are shown are right and 40 of coco's 75: 77 %.
  ASSERT_TRUE(fitted.min);
  EXPECT_NEAR(*fitted.min, 0.335, 0.03);
  EXPECT_EQ(fitted.model.min, *fitted.min);
  EXPECT_EQ(fitted.model.bias, 1.5);
  const auto at =
      std::find(fitted.min_confidences.begin(), fitted.min_confidences.end(), *fitted.min) -
      fitted.min_confidences.begin();
  const auto& all = fitted.all.shown[static_cast<std::size_t>(at)];
  EXPECT_GE(all.precision, 0.795);
  EXPECT_LT(all.precision, 0.83);
  EXPECT_EQ(fitted.domains[0].shown[static_cast<std::size_t>(at)].precision, 1);
  EXPECT_LT(fitted.domains[1].shown[static_cast<std::size_t>(at)].precision, 0.7);
  EXPECT_EQ(fitted.domains[1].held_out.captions, 50);
  EXPECT_EQ(two_domains(0.1).min, 0) << "all may be shown";
}

TEST(ConfidenceOutput, ShowsPrecisionAgainstShareForEachDomain) {
  const FittedConfidence fitted = two_domains(0.8);

  const std::string text = confidence_text(fitted);
  const auto object = nlohmann::json::parse(confidence_json(fitted));

  EXPECT_THAT(text, HasSubstr("250 captions of 2 domains, 60.0 % of them right"));
  EXPECT_THAT(text, HasSubstr("* the lowest at which 80 % of them are right"));
  EXPECT_THAT(text, HasSubstr("  0.6000"));
  EXPECT_THAT(text, HasSubstr("  bias: 1.5\n"));
  EXPECT_EQ(object["domains"][1]["name"], "coco");
  EXPECT_EQ(object["domains"][1]["shown"][0]["share"], 1);
  EXPECT_NEAR(object["domains"][1]["shown"][0]["precision"].get<double>(), 0.4, 1e-9);
  EXPECT_EQ(object["min"], *fitted.min);
  EXPECT_EQ(object["means"]["beam_agreement"], 0);
}

TEST(ConfidenceOutput, SaysWhenNothingIsRightOftenEnough) {
  std::vector<JudgedCaption> captions(100);
  for (std::size_t i = 0; i < 100; i += 2) captions[i].good = true;
  const std::vector<double> held_out(100, 0.5);

  const FittedConfidence fitted =
      fitted_confidence(ConfidenceModel{}, captions, held_out, {"dev"}, 0.8);

  EXPECT_FALSE(fitted.min);
  EXPECT_THAT(confidence_text(fitted), HasSubstr("no minimum confidence makes 80 % of them right"));
  EXPECT_THAT(confidence_text(fitted), Not(HasSubstr("*")));
  EXPECT_TRUE(nlohmann::json::parse(confidence_json(fitted))["min"].is_null());
}

}  // namespace
}  // namespace photoscribe::cli
