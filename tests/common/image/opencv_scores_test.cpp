// The blur score of made photos against numbers that OpenCV 4.6 and NumPy made in Python.
#include "tests/common/image/opencv_table.h"

namespace photoscribe::test {
namespace {

TEST(OpencvScores, AreMetByAllMadePhotosWithinOnePartInABillion) {
  const std::filesystem::path folder = PHOTOSCRIBE_SOURCE_DIR "/tests/data/photos";

  EXPECT_EQ(hold_against_opencv(folder / "opencv_scores.tsv", folder), 34);
}

}  // namespace
}  // namespace photoscribe::test
