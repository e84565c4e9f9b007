// Blur mode `learned` on the kinds of photo that fool the other modes, all made here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "common/core/spec.h"
#include "common/image/blur_score.h"
#include "common/image/photo.h"
#include "tests/common/image/make_images.h"

namespace photoscribe::image {
namespace {

using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Lt;

/// Gray as floats, so that what is done to it one after the other is rounded once.
struct Gray {
  int width_px, height_px;
  std::vector<double> pixels;
  double& at(int x, int y) {
    return pixels[static_cast<std::size_t>(std::clamp(y, 0, height_px - 1) * width_px +
                                           std::clamp(x, 0, width_px - 1))];
  }
  [[nodiscard]] double at(int x, int y) const { return const_cast<Gray*>(this)->at(x, y); }
};

template <class Shade>
Gray make(int width_px, int height_px, Shade shade) {
  Gray gray{width_px, height_px, {}};
  for (int y = 0; y < height_px; ++y)
    for (int x = 0; x < width_px; ++x) gray.pixels.push_back(shade(x, y));
  return gray;
}

template <class Change>
Gray changed(Gray gray, Change change) {
  for (int y = 0; y < gray.height_px; ++y)
    for (int x = 0; x < gray.width_px; ++x) gray.at(x, y) = change(x, y, gray.at(x, y));
  return gray;
}

/// The mean over a line or, down as well, a box; three times a box is nearly a Gaussian.
Gray box(const Gray& gray, int rx, int ry) {
  const double pixels = (2 * rx + 1) * (2 * ry + 1);
  return make(gray.width_px, gray.height_px, [&](int x, int y) {
    double sum = 0;
    for (int dy = -ry; dy <= ry; ++dy)
      for (int dx = -rx; dx <= rx; ++dx) sum += gray.at(x + dx, y + dy);
    return sum / pixels;
  });
}
Gray soft(const Gray& gray, int radius) {
  Gray out = gray;
  for (int i = 0; i < 3; ++i) out = box(box(out, radius, 0), 0, radius);
  return out;
}

/// Leaves: discs over discs, of all sizes and shades, as natural scenes are said to be (Lee,
/// Mumford & Huang, "Occlusion models for natural images", IJCV 2001), seen through a lens.
Gray scene(int width_px, int height_px) {
  std::mt19937 random(11);
  const auto draw = [&random](double low, double high) {
    return low + (high - low) * static_cast<double>(random()) / 4294967296.0;
  };
  Gray gray = make(width_px, height_px, [](int, int) { return 120.0; });
  for (int i = 0; i < 1500; ++i) {
    const double radius = 3 / std::sqrt(draw(0.002, 1));  // sizes as 1 / r^3
    const double x = draw(0, width_px), y = draw(0, height_px), shade = draw(10, 245);
    for (int row = static_cast<int>(y - radius); row <= static_cast<int>(y + radius); ++row)
      for (int column = static_cast<int>(x - radius); column <= static_cast<int>(x + radius);
           ++column)
        if (row >= 0 && row < height_px && column >= 0 && column < width_px &&
            std::hypot(column - x, row - y) < radius)
          gray.at(column, row) = shade;
  }
  return changed(gray, [&gray](int x, int y, double here) {
    return (4 * here + gray.at(x - 1, y) + gray.at(x + 1, y) + gray.at(x, y - 1) +
            gray.at(x, y + 1)) /
           8;
  });
}

Gray noisy(const Gray& gray, double deviation) {
  std::mt19937 random(5);
  return changed(gray, [&](int, int, double here) {
    double sum = -6;  // twelve uniform ones: normal enough, and the same with every library
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
    return here + deviation * sum;
  });
}

/// Strokes as of letters, in lines; what is under them stays.
Gray with_text(const Gray& gray, int top, int bottom, double ink) {
  return changed(gray, [=](int x, int y, double here) {
    if (y < top || y >= bottom) return here;
    const int column = x % 9, row = (y - top) % 16, letter = (x / 9) * 7 + (y - top) / 16;
    if (row >= 11 || column >= 7 || letter % 6 == 5) return here;
    const bool stroke = (letter % 3 == 0 && (column < 2 || row < 2)) ||
                        (letter % 3 == 1 && (column == 3 || row % 5 == 0)) ||
                        (letter % 3 == 2 && (std::abs(column - row / 2) < 1 || row > 9));
    return stroke ? ink : here;
  });
}

BlurScores scores(const Gray& gray) {
  std::vector<std::uint8_t> bytes;
  for (const double shade : gray.pixels)
    bytes.push_back(static_cast<std::uint8_t>(std::clamp(shade + 0.5, 0.0, 255.0)));
  BlurMeter meter({gray.width_px, gray.height_px}, {});
  for (int y = 0; y < gray.height_px; ++y)
    meter.push(bytes.data() + static_cast<std::size_t>(y * gray.width_px));
  return meter.scores();
}
double learned(const Gray& gray) { return scores(gray).of(BlurMode::learned); }

const Gray& sharp() {
  static const Gray gray = scene(480, 360);
  return gray;
}
const Gray& blurred() {
  static const Gray gray = soft(sharp(), 2);
  return gray;
}
Gray dim(const Gray& gray, double contrast, double black) {
  return changed(gray, [=](int, int, double here) { return black + contrast * here; });
}
/// `inner` where it is within an ellipse about the middle, else `outer`.
Gray in_the_middle(const Gray& inner, const Gray& outer) {
  const double cx = inner.width_px / 2.0, cy = inner.height_px / 2.0;
  return changed(outer, [&](int x, int y, double here) {
    return std::hypot((x - cx) / (0.25 * inner.width_px), (y - cy) / (0.33 * inner.height_px)) < 1
               ? inner.at(x, y)
               : here;
  });
}
Gray framed(const Gray& gray, int frame_px, double shade) {
  return make(gray.width_px + 2 * frame_px, gray.height_px + 2 * frame_px, [&](int x, int y) {
    const int column = x - frame_px, row = y - frame_px;
    return column < 0 || row < 0 || column >= gray.width_px || row >= gray.height_px
               ? shade
               : gray.at(column, row);
  });
}

constexpr double kThreshold = 20;  // what README and help advise

TEST(Learned, TellsBlurOfEveryKindFromSharpness) {
  EXPECT_THAT(learned(sharp()), Gt(90));
  EXPECT_THAT(learned(blurred()), Lt(10));
  EXPECT_THAT(learned(box(sharp(), 6, 0)), Lt(kThreshold)) << "moved across";
  EXPECT_THAT(learned(box(sharp(), 0, 6)), Lt(kThreshold)) << "moved down";
  EXPECT_THAT(learned(soft(sharp(), 1)), Lt(learned(sharp())));
}

TEST(Learned, PassesClearPhotosOfLittleContrast) {
  EXPECT_THAT(learned(noisy(dim(sharp(), 0.25, 0), 1)), Gt(kThreshold)) << "night";
  EXPECT_THAT(learned(noisy(dim(sharp(), 0.3, 160), 1)), Gt(kThreshold)) << "fog";
  const auto sky = [](int x, int y, double here) {
    return y < 240 - x / 8 ? 225 + y / 20.0 : 0.2 * here + 190;
  };
  EXPECT_THAT(learned(changed(sharp(), sky)), Gt(kThreshold)) << "snow below a sky";
}

TEST(Learned, PassesAPortraitBeforeASoftBackground) {
  EXPECT_THAT(learned(in_the_middle(sharp(), soft(sharp(), 4))), Gt(kThreshold));
}

TEST(Learned, PassesScreenshotsAndScansOfText) {
  const Gray paper = make(480, 360, [](int, int) { return 245.0; });
  EXPECT_THAT(learned(with_text(paper, 24, 336, 20)), Gt(kThreshold)) << "scan";
  const Gray windows = changed(with_text(paper, 60, 200, 30), [](int x, int y, double here) {
    return y < 24 ? 60.0 : x < 100 && y > 200 ? 200.0 : x == 100 || y == 24 ? 90.0 : here;
  });
  EXPECT_THAT(learned(windows), Gt(kThreshold)) << "screenshot";
}

TEST(Learned, PassesADitheredGif) {
  // Few shades, and an ordered pattern (Bayer's, 4 x 4) for those between.
  constexpr int kPattern[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
  const Gray dithered = changed(sharp(), [&](int x, int y, double here) {
    return 36 * std::floor(here / 36 + (kPattern[y % 4][x % 4] + 0.5) / 16);
  });
  EXPECT_THAT(learned(dithered), Gt(kThreshold));
}

TEST(Learned, IsNotFooledByGrainFramesAndWatermarks) {
  const Gray very_soft = soft(sharp(), 4);
  EXPECT_THAT(learned(noisy(very_soft, 12)), Lt(kThreshold)) << "grain";
  EXPECT_THAT(learned(framed(very_soft, 40, 255)), Lt(kThreshold)) << "white frame";
  EXPECT_THAT(learned(framed(very_soft, 9, 0)), Lt(kThreshold)) << "thin black frame";
  EXPECT_THAT(learned(with_text(very_soft, 320, 331, 250)), Lt(kThreshold)) << "a line of text";
}

TEST(Learned, OfWhatShowsNothingFollowsThePlainRule) {
  EXPECT_EQ(learned(make(300, 200, [](int, int) { return 128.0; })), 0);
  EXPECT_EQ(learned(make(1, 1, [](int, int) { return 9.0; })), 0);
  const Gray tiny = make(12, 9, [](int x, int y) { return (x / 3 + y / 3) % 2 * 200.0; });
  EXPECT_EQ(learned(tiny), std::min(100.0, scores(tiny).of(BlurMode::full) / 2));
}

TEST(BlurModel, IsReadFromItsText) {
  const auto model = parse_blur_model(blur_model_text());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_THAT(model->deviation, ::testing::Each(Gt(0)));

  const BlurEvidence far{1e9, -1e9, 1e9, -1e9, 1e9, -1e9, 1e9};
  EXPECT_TRUE(std::isfinite(clear_percent(*model, far)));
}

TEST(BlurModel, RefusesWhatItDoesNotKnow) {
  for (const char* text :
       {"weight 3", "bias", "bias x", "bias inf", "evidence tails 0 0 1", "evidence tail 0 1 1",
        "product busy_24 tails 1", "bias 1 2", "bias 1"}) {
    const auto model = parse_blur_model(text);
    ASSERT_FALSE(model) << text;
    EXPECT_THAT(model.error().message, HasSubstr("blur model: "));
  }
}

}  // namespace
}  // namespace photoscribe::image
