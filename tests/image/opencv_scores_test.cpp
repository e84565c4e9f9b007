// The blur score of real photographs against numbers that OpenCV 4.6 and NumPy made in Python.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/image/photo.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;

std::vector<std::uint8_t> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(OpencvScores, AreMetByAllOriginalsWithinOnePartInABillion) {
  const fs::path data = fs::path(PHOTOSCRIBE_SOURCE_DIR) / "../shared/data";
  std::ifstream table(data / "blur/opencv_scores.tsv");
  if (!table)
    GTEST_SKIP() << "no " << data / "blur/opencv_scores.tsv"
                 << " beside this source tree";

  std::string line, name;
  std::getline(table, line);  // the heading
  int photos = 0;
  double largest = 0;
  while (std::getline(table, line)) {
    const auto tab = line.find('\t');
    ASSERT_NE(tab, std::string::npos) << line;
    const double expected = std::stod(line.substr(tab + 1));
    const auto bytes = read_file(data / "flickr8k/originals" / line.substr(0, tab));
    const auto measured = measure_photo(bytes, BlurSettings{}, DecodeLimits{});
    ASSERT_TRUE(measured) << line << ": " << measured.error().detail;
    largest =
        std::max(largest, std::abs(measured->blur_scores.of(BlurMode::full) - expected) / expected);
    ++photos;
  }
  std::printf("%d photos, largest relative difference %.3g\n", photos, largest);
  EXPECT_EQ(photos, 90);
  EXPECT_LT(largest, 1e-9);
}

}  // namespace
}  // namespace photoscribe
