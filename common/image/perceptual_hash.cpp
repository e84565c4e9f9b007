#include "common/image/perceptual_hash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "common/image/area_resize.h"

namespace photoscribe {
namespace {

constexpr int kSide = 32, kKept = 8;
using Luma = std::array<std::uint8_t, kSide * kSide>;

/// Weights of ITU-R BT.601, as OpenCV's RGB2GRAY.
Luma shrunk_luma(const DecodedImage& photo) {
  Luma small{};
  const auto width = static_cast<std::size_t>(photo.width_px);
  image::AreaResizer resizer({photo.width_px, photo.height_px}, 1, {kSide, kSide}, small.data());
  std::vector<std::uint8_t> row(width);
  for (std::size_t y = 0; y < static_cast<std::size_t>(photo.height_px); ++y) {
    const std::uint8_t* rgb = photo.pixels.data() + y * width * 3;
    for (std::size_t x = 0; x < width; ++x, rgb += 3) {
      row[x] =
          static_cast<std::uint8_t>((299U * rgb[0] + 587U * rgb[1] + 114U * rgb[2] + 500U) / 1000U);
    }
    resizer.push(row.data());
  }
  return small;
}

using Cosines = std::array<std::array<double, kSide>, kKept>;

/// cos of the DCT-II's frequencies 1 to 8; the scale of a row does not alter which coefficients are
/// above the median, being the same for all of them.
Cosines cosines() {
  Cosines table{};
  for (int k = 0; k < kKept; ++k) {
    for (int n = 0; n < kSide; ++n) {
      table[static_cast<std::size_t>(k)][static_cast<std::size_t>(n)] =
          std::cos(std::numbers::pi * (k + 1) * (2 * n + 1) / (2.0 * kSide));
    }
  }
  return table;
}

}  // namespace

std::uint64_t perceptual_hash(const DecodedImage& photo) {
  static const Cosines kCos = cosines();
  const Luma luma = shrunk_luma(photo);
  std::array<std::array<double, kKept>, kSide> rows{};
  for (std::size_t y = 0; y < kSide; ++y) {
    for (std::size_t u = 0; u < kKept; ++u) {
      for (std::size_t x = 0; x < kSide; ++x) rows[y][u] += kCos[u][x] * luma[y * kSide + x];
    }
  }
  std::array<double, kKept * kKept> values{};
  for (std::size_t v = 0; v < kKept; ++v) {
    for (std::size_t u = 0; u < kKept; ++u) {
      for (std::size_t y = 0; y < kSide; ++y) values[v * kKept + u] += kCos[v][y] * rows[y][u];
    }
  }
  auto sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const double median = (sorted[31] + sorted[32]) / 2;
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    hash |= static_cast<std::uint64_t>(values[i] > median) << i;
  }
  return hash;
}

}  // namespace photoscribe
