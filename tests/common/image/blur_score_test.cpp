// What must hold of the score whatever OpenCV does.
#include "common/image/blur_score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace photoscribe::image {
namespace {

struct Gray {
  int width_px, height_px;
  std::vector<std::uint8_t> pixels;
  [[nodiscard]] int at(int x, int y) const {
    return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_px) +
                  static_cast<std::size_t>(x)];
  }
};

template <class Shade>
Gray make(int width_px, int height_px, Shade shade) {
  Gray gray{width_px, height_px, {}};
  for (int y = 0; y < height_px; ++y)
    for (int x = 0; x < width_px; ++x)
      gray.pixels.push_back(static_cast<std::uint8_t>(shade(x, y)));
  return gray;
}

Gray noise(int width_px, int height_px, unsigned seed = 1) {
  std::mt19937 random(seed);
  return make(width_px, height_px, [&](int, int) { return random() % 256; });
}

double score_of(const Gray& gray, const BlurSettings& blur = {}) {
  BlurMeter meter({gray.width_px, gray.height_px}, blur);
  for (int y = 0; y < gray.height_px; ++y)
    meter.push(gray.pixels.data() +
               static_cast<std::size_t>(y) * static_cast<std::size_t>(gray.width_px));
  return meter.scores().of(blur.mode);
}

int reflect(int i, int length) {
  if (length == 1) return 0;
  if (i < 0) return -i;
  return i >= length ? 2 * length - 2 - i : i;
}

// The definition, in the plainest words.
double variance_of_region(const Gray& gray, int left, int top, int right, int bottom) {
  const auto laplacian = [&](int x, int y) {
    return gray.at(reflect(x - 1, gray.width_px), y) + gray.at(reflect(x + 1, gray.width_px), y) +
           gray.at(x, reflect(y - 1, gray.height_px)) + gray.at(x, reflect(y + 1, gray.height_px)) -
           4 * gray.at(x, y);
  };
  const double count = static_cast<double>(right - left) * (bottom - top);
  double mean = 0, squares = 0;
  for (int y = top; y < bottom; ++y)
    for (int x = left; x < right; ++x) mean += laplacian(x, y) / count;
  for (int y = top; y < bottom; ++y)
    for (int x = left; x < right; ++x) squares += std::pow(laplacian(x, y) - mean, 2) / count;
  return squares;
}

TEST(BlurScore, MeetsItsDefinitionAtEverySmallWidthAndHeight) {
  for (int width = 1; width <= 40; ++width)
    for (const int height : {1, 2, 3, 5, 8}) {
      const Gray gray = noise(width, height, static_cast<unsigned>(width * 100 + height));
      const double expected = variance_of_region(gray, 0, 0, width, height);
      EXPECT_NEAR(score_of(gray), expected, 1e-9 * (expected + 1)) << width << "x" << height;
    }
}

TEST(BlurScore, OfAConstantImageIsZero) {
  EXPECT_EQ(score_of(make(100, 50, [](int, int) { return 200; })), 0);
  EXPECT_EQ(score_of(make(1, 1, [](int, int) { return 7; })), 0);
}

TEST(BlurScore, OfACheckerboardIsKnown) {
  // Every pixel differs from its four neighbours by 255: the Laplacian is +-1020, its mean 0.
  EXPECT_EQ(score_of(make(64, 64, [](int x, int y) { return (x + y) % 2 * 255; })),
            1020.0 * 1020.0);
}

TEST(BlurScore, OfOneBrightPixelIsKnown) {
  // Sum 0; squares 4^2 + 4 * 1 = 20 times the pixel's square, over 100 pixels.
  EXPECT_DOUBLE_EQ(score_of(make(10, 10, [](int x, int y) { return x == 5 && y == 5 ? 10 : 0; })),
                   20.0);
}

TEST(BlurScore, IsTheSameForEveryFlipAndQuarterTurnToTheLastBit) {
  const Gray gray = noise(53, 38);
  const double score = score_of(gray);
  const auto at = [&](int x, int y) { return gray.at(x, y); };

  EXPECT_EQ(score_of(make(53, 38, [&](int x, int y) { return at(52 - x, y); })), score);
  EXPECT_EQ(score_of(make(53, 38, [&](int x, int y) { return at(x, 37 - y); })), score);
  EXPECT_EQ(score_of(make(38, 53, [&](int x, int y) { return at(y, x); })), score);
  EXPECT_EQ(score_of(make(38, 53, [&](int x, int y) { return at(52 - y, x); })), score);
}

TEST(BlurScore, DoesNotOverflowOnTheHarshestWideRow) {
  // 200,000 columns of the largest Laplacian, past every flush of the 32-bit lanes.
  const Gray gray = make(200'000, 2, [](int x, int y) { return (x + y) % 2 * 255; });

  EXPECT_EQ(score_of(gray), 1020.0 * 1020.0);
}

TEST(BlurScore, IsThatOfTheSharpestTileInModeTileMax) {
  // Sharp only at the lower right: tiles of 32 in 128x96 leave no rest.
  const Gray sharp = noise(128, 96);
  const Gray gray =
      make(128, 96, [&](int x, int y) { return x >= 96 && y >= 64 ? sharp.at(x, y) : 128; });
  const BlurSettings blur{.mode = BlurMode::tile_max, .tile_px = 32};
  double expected = 0;
  for (int top = 0; top < 96; top += 32)
    for (int left = 0; left < 128; left += 32)
      expected = std::max(expected, variance_of_region(gray, left, top, left + 32, top + 32));

  EXPECT_NEAR(score_of(gray, blur), expected, 1e-9 * expected);
  EXPECT_GT(score_of(gray, blur), 5 * score_of(gray));
}

TEST(BlurScore, GivesANarrowRestToItsNeighbourTile) {
  const Gray gray = noise(75, 47);  // tiles of 32: columns 0, 32, 75 and rows 0, 47 (a rest of 15)
  const BlurSettings blur{.mode = BlurMode::tile_max, .tile_px = 32};
  const double expected =
      std::max(variance_of_region(gray, 0, 0, 32, 47), variance_of_region(gray, 32, 0, 75, 47));

  EXPECT_NEAR(score_of(gray, blur), expected, 1e-9 * expected);
}

TEST(BlurScore, OfASmallPhotoIsTheSameInEveryMode) {
  const Gray gray = noise(40, 30);

  EXPECT_EQ(score_of(gray, {.mode = BlurMode::tile_max}), score_of(gray));
  EXPECT_EQ(score_of(gray, {.mode = BlurMode::normalised}), score_of(gray));
}

TEST(BlurScore, OfAPhotoEnlargedTwiceNormalisesToThatOfTheOriginal) {
  const Gray gray = noise(96, 64);
  const Gray twice = make(192, 128, [&](int x, int y) { return gray.at(x / 2, y / 2); });
  const BlurSettings blur{.mode = BlurMode::normalised, .normalised_side_px = 96};

  EXPECT_EQ(score_of(twice, blur), score_of(gray));
  EXPECT_NE(score_of(twice), score_of(gray));
}

TEST(ShrunkSize, ShrinksTheLongerSideOnly) {
  EXPECT_EQ(shrunk_size({4000, 3000}, 512), (Size{512, 384}));
  EXPECT_EQ(shrunk_size({3000, 4000}, 512), (Size{384, 512}));
  EXPECT_EQ(shrunk_size({500, 375}, 512), (Size{500, 375}));
  EXPECT_EQ(shrunk_size({100'000, 1}, 512), (Size{512, 1}));
}

TEST(Variance, IsExactWhereDoublesWouldCancel) {
  // 2^28 pixels of 1000 but for one of 1001: the mean of squares and the square of the mean agree
  // in their first 15 digits.
  const std::int64_t pixels = std::int64_t{1} << 28;
  const LaplacianSums sums{pixels * 1000 + 1, pixels * 1'000'000 + 2001};
  const double n = static_cast<double>(pixels);

  EXPECT_DOUBLE_EQ(variance(sums, pixels), (n - 1) / (n * n));
}

}  // namespace
}  // namespace photoscribe::image
