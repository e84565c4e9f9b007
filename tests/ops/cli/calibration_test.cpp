// The labels, figures and pages of photoscribe calibrate, without a photo.
#include "ops/cli/calibrate/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "common/core/spec.h"
#include "ops/cli/calibrate/labels.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

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

  const auto wrong = misclassified_photos(calibration, 10);

  ASSERT_EQ(wrong.size(), 3U);
  EXPECT_EQ(wrong[0].photo, 1U);
  EXPECT_EQ(wrong[1].photo, 3U);
  EXPECT_TRUE(wrong[2].blurred);
  EXPECT_EQ(misclassified_photos(calibration, 1).size(), 2U);
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
