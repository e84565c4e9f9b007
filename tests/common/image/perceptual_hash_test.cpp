#include "common/image/perceptual_hash.h"

#include <gtest/gtest.h>

#include <bit>

#include "common/image/photo.h"
#include "tests/common/image/make_images.h"

namespace photoscribe {
namespace {

using photoscribe::testing::Bytes;
using photoscribe::testing::encode_jpeg;
using photoscribe::testing::encode_png;
using photoscribe::testing::sharp_picture;
using photoscribe::testing::smooth_picture;

std::uint64_t hash_of(const Bytes& file, int side_px = 224) {
  return perceptual_hash(decode_for_network(file, side_px, DecodeLimits{}).value());
}

int distance(std::uint64_t a, std::uint64_t b) { return std::popcount(a ^ b); }

/// A sum of waves, made so that most of the 64 coefficients are far from their median.
DecodedImage waves(int side_px, int seed) {
  DecodedImage picture{side_px, side_px, 3, {}};
  for (int y = 0; y < side_px; ++y) {
    for (int x = 0; x < side_px; ++x) {
      const int value = ((x * (3 + seed) * 64 / side_px) ^ (y * (5 + seed) * 64 / side_px)) & 255;
      for (int c = 0; c < 3; ++c) picture.pixels.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return picture;
}

TEST(PerceptualHash, HardlyChangesWithCompressionSizeAndBrightness) {
  const std::uint64_t original = hash_of(encode_png(waves(448, 0)));

  photoscribe::testing::JpegOptions coarse;
  coarse.quality = 40;
  DecodedImage brighter = waves(448, 0);
  for (auto& value : brighter.pixels) value = static_cast<std::uint8_t>(value / 2 + 60);

  EXPECT_LE(distance(original, hash_of(encode_jpeg(waves(448, 0), coarse))), 3);
  EXPECT_LE(distance(original, hash_of(encode_png(waves(448, 0)), 160)), 3);
  EXPECT_LE(distance(original, hash_of(encode_png(brighter))), 3);
}

TEST(PerceptualHash, DiffersForOtherPictures) {
  const std::uint64_t first = hash_of(encode_png(waves(320, 0)));
  EXPECT_GT(distance(first, hash_of(encode_png(waves(320, 1)))), 16);
  EXPECT_GT(distance(first, hash_of(encode_png(sharp_picture(320, 240)))), 16);
}

TEST(PerceptualHash, TakesEverySize) {
  for (const int side : {1, 2, 7, 32, 33, 500}) {
    EXPECT_EQ(perceptual_hash(photoscribe::testing::flat_picture(side, side, 90, 90, 90)),
              perceptual_hash(photoscribe::testing::flat_picture(side, side, 90, 90, 90)))
        << side;
  }
}

/// The picture of the independent implementation below; every value of its luma is exact.
DecodedImage ramp(int side_px) {
  DecodedImage picture{side_px, side_px, 3, {}};
  for (int y = 0; y < side_px; ++y) {
    for (int x = 0; x < side_px; ++x) {
      const auto value = static_cast<std::uint8_t>((x * x + 3 * y * x + 7 * y) % 251);
      picture.pixels.insert(picture.pixels.end(), {value, value, value});
    }
  }
  return picture;
}

// By NumPy and OpenCV, at 32 x 32, where nothing is resized:
//   x, y = numpy.meshgrid(range(32), range(32)); a = ((x*x + 3*y*x + 7*y) % 251).astype("f8")
//   c = cv2.dct(a)[1:9, 1:9]; sum(1 << i for i, v in enumerate(c.ravel()) if v > numpy.median(c))
TEST(PerceptualHash, IsThatOfAnIndependentImplementation) {
  EXPECT_EQ(perceptual_hash(ramp(32)), 0x3e1c3c7afaf2f000ULL);
}

}  // namespace
}  // namespace photoscribe
