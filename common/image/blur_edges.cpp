#include "common/image/blur_edges.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "common/image/cpu.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace photoscribe::image {
namespace {

constexpr double kQuantile = 0.999;
constexpr double kNoiseGuard = 5;  // standard deviations
constexpr double kThreshold = 45;  // grey levels; see edge_score
constexpr int kLargest = 2 * 255;  // of |a - 2b + c|

struct Picture {
  const std::uint8_t* gray;
  int width_px, height_px;
  [[nodiscard]] const std::uint8_t* row(int y) const {
    return gray + static_cast<std::size_t>(y) * static_cast<std::size_t>(width_px);
  }
};

/// How often each of the largest of so many values occurs. What is below the quantile whatever
/// comes is not told apart, which is nearly all of them after a few rows.
class LargestValues {
 public:
  explicit LargestValues(std::int64_t pixels)
      : pixels_(static_cast<double>(pixels)), wanted_(kQuantile * pixels_) {}

  void add(const std::int16_t* values, int count) {
    int x = 0;
#if defined(__SSE2__)
    const __m128i below = _mm_set1_epi16(static_cast<std::int16_t>(floor_ - 1));
    for (; x + 16 <= count; x += 16) {
      const auto* const from = reinterpret_cast<const __m128i*>(values + x);
      const __m128i counts = _mm_packs_epi16(_mm_cmpgt_epi16(_mm_loadu_si128(from), below),
                                             _mm_cmpgt_epi16(_mm_loadu_si128(from + 1), below));
      auto left = static_cast<unsigned>(_mm_movemask_epi8(counts));
      for (; left != 0; left &= left - 1) add(values[x + std::countr_zero(left)]);
    }
#endif
    for (; x < count; ++x)
      if (values[x] >= floor_) add(values[x]);
    while (pixels_ - static_cast<double>(counted_ - counts_[floor()]) < wanted_) {
      counted_ -= counts_[floor()];
      ++floor_;
    }
  }

  /// The value that a share of kQuantile of the pixels stays below, within its bin by the bin's
  /// share; so that it moves smoothly. Once all were added.
  [[nodiscard]] double quantile() const {
    double below = pixels_ - static_cast<double>(counted_);
    if (below >= wanted_) return 0;
    for (std::size_t value = floor(); value < counts_.size(); ++value) {
      const auto here = static_cast<double>(counts_[value]);
      if (here > 0 && below + here >= wanted_)
        return std::max(0.0, static_cast<double>(value) - 1 + (wanted_ - below) / here);
      below += here;
    }
    return 0;
  }

 private:
  [[nodiscard]] std::size_t floor() const { return static_cast<std::size_t>(floor_); }
  void add(std::int16_t value) {
    ++counts_[static_cast<std::size_t>(value)];
    ++counted_;
  }

  const double pixels_, wanted_;
  std::array<std::int32_t, kLargest + 2> counts_{};  // of the values from floor_ on
  std::int64_t counted_ = 0;                         // of them in all
  int floor_ = 1;                                    // zeros are what is left
};

[[gnu::always_inline]] inline void differences(const std::uint8_t* __restrict before,
                                               const std::uint8_t* __restrict here,
                                               const std::uint8_t* __restrict after, int count,
                                               std::int16_t* __restrict to) {
  for (int x = 0; x < count; ++x) {
    const auto value = static_cast<std::int16_t>(before[x] - 2 * here[x] + after[x]);
    to[x] = static_cast<std::int16_t>(value < 0 ? -value : value);
  }
}

/// 1 -2 1 / -2 4 -2 / 1 -2 1 at the second pixel of each row and the next ones: at most 2040.
[[gnu::always_inline]] inline void noise_mask(const std::uint8_t* __restrict above,
                                              const std::uint8_t* __restrict here,
                                              const std::uint8_t* __restrict below, int count,
                                              std::int16_t* __restrict to) {
  for (int x = 0; x < count; ++x) {
    const int corners = above[x] + above[x + 2] + below[x] + below[x + 2];
    const int sides = above[x + 1] + here[x] + here[x + 2] + below[x + 1];
    to[x] = static_cast<std::int16_t>(corners - 2 * sides + 4 * here[x + 1]);
  }
}

/// Of three rows, from the given pixel on.
using RowFunction = void (*)(const std::uint8_t*, const std::uint8_t*, const std::uint8_t*, int,
                             std::int16_t*);

void differences_plain(const std::uint8_t* before, const std::uint8_t* here,
                       const std::uint8_t* after, int count, std::int16_t* to) {
  differences(before, here, after, count, to);
}
void noise_mask_plain(const std::uint8_t* above, const std::uint8_t* here,
                      const std::uint8_t* below, int count, std::int16_t* to) {
  noise_mask(above, here, below, count, to);
}

#if defined(__SSE2__)
__attribute__((target("avx2"))) void differences_avx2(const std::uint8_t* before,
                                                      const std::uint8_t* here,
                                                      const std::uint8_t* after, int count,
                                                      std::int16_t* to) {
  differences(before, here, after, count, to);
}
__attribute__((target("avx2"))) void noise_mask_avx2(const std::uint8_t* above,
                                                     const std::uint8_t* here,
                                                     const std::uint8_t* below, int count,
                                                     std::int16_t* to) {
  noise_mask(above, here, below, count, to);
}
const RowFunction kDifferences = has_avx2() ? differences_avx2 : differences_plain;
const RowFunction kNoiseMask = has_avx2() ? noise_mask_avx2 : noise_mask_plain;
#else
constexpr RowFunction kDifferences = differences_plain, kNoiseMask = noise_mask_plain;
#endif

/// The quantile of the second differences of all pixels with both neighbours in the direction
/// (dx, dy). `values`: room for a row.
double second_differences(const Picture& picture, int dx, int dy,
                          std::vector<std::int16_t>& values) {
  const int left = std::abs(dx), top = std::abs(dy);
  const int columns = picture.width_px - 2 * left, rows = picture.height_px - 2 * top;
  LargestValues largest(std::int64_t{columns} * rows);
  for (int y = top; y < top + rows; ++y) {
    kDifferences(picture.row(y - dy) + left - dx, picture.row(y) + left,
                 picture.row(y + dy) + left + dx, columns, values.data());
    largest.add(values.data(), columns);
  }
  return largest.quantile();
}

/// Standard deviation of the noise, in grey levels. `values`: room for a row.
double noise(const Picture& picture, std::vector<std::int16_t>& values) {
  constexpr int kTilePx = 16;
  constexpr double kMaskPower = 36;  // sum of the mask's squares
  const auto tiles = static_cast<std::size_t>((picture.width_px - 2 + kTilePx - 1) / kTilePx);
  const int count = picture.width_px - 2;
  values.assign(tiles * kTilePx, 0);  // those beyond the row's end stay 0
  std::vector<double> powers;
  powers.reserve(tiles * (static_cast<std::size_t>(picture.height_px) / kTilePx + 1));
  std::vector<std::int64_t> sums(tiles);
  for (int y = 1; y < picture.height_px - 1; ++y) {
    kNoiseMask(picture.row(y - 1), picture.row(y), picture.row(y + 1), count, values.data());
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const std::int16_t* const of = values.data() + tile * kTilePx;
      std::int32_t sum = 0;  // at most 16 * 2040^2
      for (int i = 0; i < kTilePx; ++i) sum += std::int32_t{of[i]} * of[i];
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
  std::vector<std::int16_t> values(static_cast<std::size_t>(width_px));
  double weakest = std::numeric_limits<double>::max();
  for (const auto& [dx, dy] : kDirections)
    weakest = std::min(weakest, second_differences(picture, dx, dy, values));
  const double edge = std::max(0.0, weakest - kNoiseGuard * noise(picture, values));
  return 100 * (edge / kThreshold) * (edge / kThreshold);
}

}  // namespace photoscribe::image
