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
  [[nodiscard]] int at(int x, int y) const {
    return gray[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_px) +
                static_cast<std::size_t>(x)];
  }
};

/// Of all pixels with both neighbours in the direction (dx, dy).
Histogram second_differences(const Picture& picture, int dx, int dy) {
  Histogram histogram{};
  const int left = std::abs(dx), top = std::abs(dy);
  for (int y = top; y < picture.height_px - top; ++y) {
    for (int x = left; x < picture.width_px - left; ++x) {
      const int value =
          picture.at(x - dx, y - dy) - 2 * picture.at(x, y) + picture.at(x + dx, y + dy);
      ++histogram[static_cast<std::size_t>(std::abs(value))];
    }
  }
  return histogram;
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
  std::vector<double> powers;
  for (int top = 1; top < picture.height_px - 1; top += kTilePx) {
    for (int left = 1; left < picture.width_px - 1; left += kTilePx) {
      const int bottom = std::min(top + kTilePx, picture.height_px - 1);
      const int right = std::min(left + kTilePx, picture.width_px - 1);
      std::int64_t squares = 0;
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
          const int corners = picture.at(x - 1, y - 1) + picture.at(x + 1, y - 1) +
                              picture.at(x - 1, y + 1) + picture.at(x + 1, y + 1);
          const int sides = picture.at(x, y - 1) + picture.at(x - 1, y) + picture.at(x + 1, y) +
                            picture.at(x, y + 1);
          const std::int64_t value = corners - 2 * sides + 4 * picture.at(x, y);
          squares += value * value;
        }
      }
      const auto pixels = static_cast<double>((bottom - top) * (right - left));
      powers.push_back(static_cast<double>(squares) / (pixels * kMaskPower));
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
