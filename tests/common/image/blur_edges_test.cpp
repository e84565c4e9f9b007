#include "common/image/blur_edges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "common/image/blur_score.h"

namespace photoscribe::image {
namespace {

struct Gray {
  int width_px, height_px;
  std::vector<std::uint8_t> pixels;
  [[nodiscard]] int at(int x, int y) const {
    return pixels[static_cast<std::size_t>(y * width_px + x)];
  }
};

template <class Shade>
Gray make(int width_px, int height_px, Shade shade) {
  Gray gray{width_px, height_px, {}};
  for (int y = 0; y < height_px; ++y)
    for (int x = 0; x < width_px; ++x)
      gray.pixels.push_back(static_cast<std::uint8_t>(std::clamp<int>(shade(x, y), 0, 255)));
  return gray;
}

double score(const Gray& gray) {
  return edge_score(gray.pixels.data(), gray.width_px, gray.height_px);
}

/// Discs of many sizes and shades: edges in every direction, and flat places between.
Gray discs(int side_px) {
  return make(side_px, side_px, [side_px](int x, int y) {
    const double cell = side_px / 4.0;
    const double dx = std::fmod(x, cell) - cell / 2, dy = std::fmod(y, cell) - cell / 2;
    return std::hypot(dx, dy) < cell / 3 ? 210 : 60;
  });
}

/// The mean over a box of (2 * rx + 1) x (2 * ry + 1) pixels.
Gray box_blurred(const Gray& gray, int rx, int ry) {
  return make(gray.width_px, gray.height_px, [&](int x, int y) {
    int sum = 0, count = 0;
    for (int dy = -ry; dy <= ry; ++dy) {
      for (int dx = -rx; dx <= rx; ++dx) {
        const int px = std::clamp(x + dx, 0, gray.width_px - 1);
        const int py = std::clamp(y + dy, 0, gray.height_px - 1);
        sum += gray.at(px, py);
        ++count;
      }
    }
    return sum / count;
  });
}

Gray noisy(const Gray& gray, double sigma) {
  std::mt19937 random(11);
  std::normal_distribution<> noise(0, sigma);
  return make(gray.width_px, gray.height_px, [&](int x, int y) {
    return gray.at(x, y) + static_cast<int>(std::lround(noise(random)));
  });
}

TEST(EdgeScore, IsTheSquareOfTheWeakestDirectionsEdge) {
  // Steps of 100 grey levels across and down: |a - 2b + c| is 100 on both sides of each step, and
  // so it is along both diagonals. No noise where it is flat. The largest bin holds far more than a
  // thousandth of the pixels, so the quantile lies within it: between 99 and 100.
  const Gray steps = make(64, 64, [](int x, int y) { return 50 + ((x / 32 + y / 32) % 2) * 100; });

  EXPECT_GE(score(steps), 100 * std::pow(99 / 45.0, 2));
  EXPECT_LE(score(steps), 100 * std::pow(100 / 45.0, 2));
}

TEST(EdgeScore, IsNothingForEdgesOfOneDirectionAlone) {
  EXPECT_EQ(score(make(64, 64, [](int x, int) { return x / 16 % 2 * 200; })), 0);
}

TEST(EdgeScore, FallsWithEveryKindOfBlur) {
  const Gray sharp = discs(200);

  EXPECT_LT(score(box_blurred(sharp, 2, 2)), score(sharp) / 4);
  EXPECT_LT(score(box_blurred(sharp, 4, 0)), score(sharp) / 4);  // moved across
  EXPECT_LT(score(box_blurred(sharp, 0, 4)), score(sharp) / 4);  // moved up
}

TEST(EdgeScore, IsTheSameForTurnedAndFlippedPhotos) {
  const Gray photo = noisy(discs(120), 5);
  const Gray turned = make(120, 120, [&](int x, int y) { return photo.at(y, 119 - x); });
  const Gray flipped = make(120, 120, [&](int x, int y) { return photo.at(119 - x, y); });

  // Tiles of the noise are laid from the upper left, so a hair's difference remains.
  EXPECT_NEAR(score(turned), score(photo), score(photo) * 0.15);
  EXPECT_NEAR(score(flipped), score(photo), score(photo) * 0.15);
}

TEST(EdgeScore, DoesNotTakeNoiseForSharpness) {
  const Gray soft = box_blurred(discs(200), 4, 4);
  const Gray flat = make(200, 200, [](int, int) { return 120; });

  for (const double sigma : {2.0, 5.0, 10.0}) {
    EXPECT_LT(score(noisy(soft, sigma)), score(discs(200)) / 4) << sigma;
    EXPECT_LT(score(noisy(flat, sigma)), 100) << sigma;
  }
}

TEST(EdgeScore, LetsASoftBackgroundPass) {
  const Gray sharp = discs(200), soft = box_blurred(sharp, 6, 6);
  const Gray portrait = make(200, 200, [&](int x, int y) {
    return (std::abs(x - 100) < 50 && std::abs(y - 100) < 50 ? sharp : soft).at(x, y);
  });

  EXPECT_GT(score(portrait), score(sharp) * 0.8);
}

TEST(EdgeScore, IsNothingForAPictureTooSmall) {
  EXPECT_EQ(score(make(2, 50, [](int x, int) { return x * 255; })), 0);
  EXPECT_EQ(score(make(50, 2, [](int x, int) { return x * 5; })), 0);
  EXPECT_EQ(score(make(3, 3, [](int, int) { return 7; })), 0);
}

TEST(BlurMeter, ShrinksToOneSizeInModeEdges) {
  const auto metered = [](const Gray& gray) {
    BlurMeter meter({gray.width_px, gray.height_px}, {});
    for (int y = 0; y < gray.height_px; ++y)
      meter.push(gray.pixels.data() + static_cast<std::size_t>(y * gray.width_px));
    return meter.scores().of(BlurMode::edges);
  };
  const Gray small = discs(256), large = discs(1024);

  EXPECT_EQ(metered(small), score(small));
  EXPECT_GT(metered(large), score(small) * 0.5);
  EXPECT_LT(metered(large), score(small) * 2);
}

}  // namespace
}  // namespace photoscribe::image
