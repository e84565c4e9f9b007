#include "common/image/blur_edges.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

namespace photoscribe::image {
namespace {

constexpr double kQuantile = 0.999;
constexpr double kNoiseGuard = 5;  // standard deviations
constexpr double kThreshold = 45;  // grey levels; see edge_score
constexpr int kLargest = 2 * 255;  // of |a - 2b + c|
using Histogram = std::array<std::int32_t, kLargest + 1>;

struct Picture {
  const std::uint8_t* gray;
  int width_px, height_px;
  [[nodiscard]] const std::uint8_t* row(int y) const {
    return gray + static_cast<std::size_t>(y) * static_cast<std::size_t>(width_px);
  }
};

/// Of all pixels with both neighbours in the direction (dx, dy).
Histogram second_differences(const Picture& picture, int dx, int dy) {
  // Two histograms by turns: pixels side by side often have one value, and would wait for it.
  std::array<Histogram, 2> histograms{};
  const int left = std::abs(dx), top = std::abs(dy);
  const int count = picture.width_px - 2 * left;
  std::vector<std::int16_t> values(static_cast<std::size_t>(picture.width_px));
  for (int y = top; y < picture.height_px - top; ++y) {
    const std::uint8_t* __restrict before = picture.row(y - dy) + left - dx;
    const std::uint8_t* __restrict here = picture.row(y) + left;
    const std::uint8_t* __restrict after = picture.row(y + dy) + left + dx;
    std::int16_t* __restrict to = values.data();
    for (int x = 0; x < count; ++x) {
      const auto value = static_cast<std::int16_t>(before[x] - 2 * here[x] + after[x]);
      to[x] = static_cast<std::int16_t>(value < 0 ? -value : value);
    }
    int x = 0;
    for (; x + 1 < count; x += 2) {
      ++histograms[0][static_cast<std::size_t>(to[x])];
      ++histograms[1][static_cast<std::size_t>(to[x + 1])];
    }
    if (x < count) ++histograms[0][static_cast<std::size_t>(to[x])];
  }
  for (std::size_t i = 0; i < histograms[0].size(); ++i) histograms[0][i] += histograms[1][i];
  return histograms[0];
}

/// The value that a share of kQuantile of the pixels stays below, within its bin by the bin's
/// share; so that it moves smoothly.
double quantile(const Histogram& histogram) {
  std::int64_t pixels = 0;
  for (const std::int32_t count : histogram) pixels += count;
  const double wanted = kQuantile * static_cast<double>(pixels);
  double below = 0;
  for (std::size_t value = 0; value < histogram.size(); ++value) {
    const auto here = static_cast<double>(histogram[value]);
    if (here > 0 && below + here >= wanted)
      return std::max(0.0, static_cast<double>(value) - 1 + (wanted - below) / here);
    below += here;
  }
  return 0;
}

/// Standard deviation of the noise, in grey levels.
double noise(const Picture& picture) {
  constexpr int kTilePx = 16;
  constexpr double kMaskPower = 36;  // sum of the mask's squares
  const auto tiles = static_cast<std::size_t>((picture.width_px - 2 + kTilePx - 1) / kTilePx);
  std::vector<double> powers;
  std::vector<std::int32_t> squares(tiles * kTilePx);  // of one row, from its second pixel on
  std::vector<std::int64_t> sums(tiles);
  const int count = picture.width_px - 2;
  for (int y = 1; y < picture.height_px - 1; ++y) {
    const std::uint8_t* __restrict above = picture.row(y - 1);
    const std::uint8_t* __restrict here = picture.row(y);
    const std::uint8_t* __restrict below = picture.row(y + 1);
    std::int32_t* __restrict to = squares.data();
    for (int x = 0; x < count; ++x) {
      const int corners = above[x] + above[x + 2] + below[x] + below[x + 2];
      const int sides = above[x + 1] + here[x] + here[x + 2] + below[x + 1];
      const int value = corners - 2 * sides + 4 * here[x + 1];
      to[x] = value * value;
    }
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      std::int32_t sum = 0;  // at most 16 * 4080^2; those beyond the row's end stay 0
      for (std::size_t i = 0; i < kTilePx; ++i) sum += squares[tile * kTilePx + i];
      sums[tile] += sum;
    }
    const int rows = (y - 1) % kTilePx + 1;
    if (rows < kTilePx && y + 1 < picture.height_px - 1) continue;
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const int columns = std::min(kTilePx, count - static_cast<int>(tile) * kTilePx);
      powers.push_back(static_cast<double>(sums[tile]) /
                       (static_cast<double>(rows * columns) * kMaskPower));
      sums[tile] = 0;
    }
  }
  const auto tenth = powers.begin() + static_cast<std::ptrdiff_t>(powers.size() / 10);
  std::nth_element(powers.begin(), tenth, powers.end());
  return std::sqrt(*tenth);
}

}  // namespace

double edge_score(const std::uint8_t* gray, int width_px, int height_px) {
  if (width_px < 3 || height_px < 3) return 0;
  const Picture picture{gray, width_px, height_px};
  constexpr std::array<std::array<int, 2>, 4> kDirections{{{1, 0}, {0, 1}, {1, 1}, {1, -1}}};
  double weakest = std::numeric_limits<double>::max();
  for (const auto& [dx, dy] : kDirections)
    weakest = std::min(weakest, quantile(second_differences(picture, dx, dy)));
  const double edge = std::max(0.0, weakest - kNoiseGuard * noise(picture));
  return 100 * (edge / kThreshold) * (edge / kThreshold);
}

}  // namespace photoscribe::image
