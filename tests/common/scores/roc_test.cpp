// The statistics and pages of photoscribe calibrate, without a photo.
#include "common/scores/roc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "common/core/spec.h"
#include "ops/cli/calibrate/calibration.h"
#include "ops/cli/calibrate/labels.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

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

class Labels : public testing::Test {
 protected:
  std::string refusal(const std::string& bytes, const std::vector<std::string>& columns = {}) {
    const auto read = read_labels(folder_.write("labels.csv", bytes), columns);
    EXPECT_FALSE(read) << bytes;
    return read ? "" : read.error().message;
  }
  test::TempDir folder_;
};

TEST_F(Labels, AreReadByTheirHeading) {
  const auto read = read_labels(
      folder_.write("l.csv",
                    "group,score,file,label\r\ng1,0.5,a.jpg,blurred\n\n,1e3,\"b,c.jpg\",sharp\n"),
      {"score"});

  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].group, "g1");
  EXPECT_TRUE((*read)[0].blurred);
  EXPECT_EQ((*read)[1].file, "b,c.jpg");
  EXPECT_FALSE((*read)[1].blurred);
  EXPECT_EQ((*read)[1].columns, std::vector<double>{1000});
}

TEST_F(Labels, SayWhatIsWrongAndWhere) {
  EXPECT_THAT(refusal(""), HasSubstr("the first line must name the columns"));
  EXPECT_THAT(refusal("a.jpg,blurred\n"), HasSubstr("line 1: the first line must name"));
  EXPECT_THAT(refusal("file,label\na.jpg,maybe\n"), HasSubstr("line 2: label \"maybe\""));
  EXPECT_THAT(refusal("file,label\na.jpg\n"), HasSubstr("line 2: 1 fields"));
  EXPECT_THAT(refusal("file,label\na.jpg,1\n\na.jpg,0\n"), HasSubstr("line 4: a.jpg is labelled"));
  EXPECT_THAT(refusal("file,label\na.jpg,1\n"), HasSubstr("needs photos of both labels"));
  EXPECT_THAT(refusal("file,label\n\"a.jpg,1\n"), HasSubstr("line 2: a quote is never closed"));
  EXPECT_THAT(refusal("file,label\na,1\nb,0\n", {"x"}), HasSubstr("there is no column \"x\""));
  EXPECT_THAT(refusal("file,label,x\na,1,?\n", {"x"}), HasSubstr("\"?\" is not a number"));
  EXPECT_EQ(read_labels(folder_.file("none"), {}).error().code, Errc::environment);
}

/// 40 photos; mode edges is always right, the others guess, and so does the column "peer".
Calibration made(bool prefer_rate = false) {
  std::mt19937 random(2);
  std::vector<Label> labels;
  std::map<std::string, std::map<std::string, double>> measured;
  for (int i = 0; i < 40; ++i) {
    const bool blurred = i % 2 == 0;
    const std::string file = "<p" + std::to_string(i) + ">.jpg";
    labels.push_back({file, blurred, "", {static_cast<double>(random() % 100)}});
    for (const BlurMode mode : kBlurModes)
      measured[file][std::string(to_string(mode))] = static_cast<double>(random() % 100);
    measured[file]["edges"] = blurred ? i : 100 + i;
  }
  labels.push_back({"absent.jpg", true, "", {1}});
  return calibrate(labels, {"peer"}, measured, 0.01, prefer_rate, 200).value();
}

TEST(Calibration, NamesTheBestModeAndItsThreshold) {
  const Calibration calibration = made();

  EXPECT_EQ(calibration.files.size(), 40U);
  EXPECT_EQ(calibration.scores[calibration.best].name, "edges");
  EXPECT_EQ(calibration.scores[calibration.best].area, 1);
  EXPECT_EQ(config_lines(calibration), "blur:\n  mode: edges\n  blur_threshold: 69.5\n");
  EXPECT_THAT(calibration_text(calibration, Ink(false)),
              AllOf(HasSubstr("20 blurred, 20 clear"), HasSubstr("edges        1.0000"),
                    HasSubstr("behind edges"), HasSubstr("peer")));
  const auto json = nlohmann::json::parse(calibration_json(calibration));
  EXPECT_EQ(json["best"], "edges");
  EXPECT_EQ(json["scores"].size(), 6U);
  EXPECT_EQ(json["chosen"]["threshold"], 69.5);
}

TEST(Calibration, ShowsTheWorstErrorsFirst) {
  Calibration calibration = made();
  calibration.scores[calibration.best].values[1] = 3;    // clear, far below
  calibration.scores[calibration.best].values[3] = 50;   // clear, a little below
  calibration.scores[calibration.best].values[4] = 999;  // blurred, far above

  const auto wrong = wrong_photos(calibration, 10);

  ASSERT_EQ(wrong.size(), 3U);
  EXPECT_EQ(wrong[0].photo, 1U);
  EXPECT_EQ(wrong[1].photo, 3U);
  EXPECT_TRUE(wrong[2].blurred);
  EXPECT_EQ(wrong_photos(calibration, 1).size(), 2U);
  const std::string page = calibration_page(calibration, wrong, {"jpeg", "", ""});
  EXPECT_THAT(page, AllOf(HasSubstr("&lt;p1&gt;.jpg"), HasSubstr("data:image/jpeg;base64,anBlZw=="),
                          HasSubstr("<polyline"), Not(HasSubstr("<p1>")), Not(HasSubstr("http:"))));
}

TEST(Calibration, RefusesLabelsWhosePhotosAreNotThere) {
  const auto refused =
      calibrate({{"a", true, "", {}}, {"b", false, "", {}}}, {}, {}, 0.01, false, 100);

  EXPECT_EQ(refused.error().code, Errc::usage);
  EXPECT_THAT(refused.error().message, HasSubstr("--photos"));
}

}  // namespace
}  // namespace photoscribe::cli
