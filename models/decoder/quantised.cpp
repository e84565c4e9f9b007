#include "models/decoder/quantised.h"

#include <limits>

#include "common/core/vector_clones.h"

namespace photoscribe {
namespace {

constexpr float kLargest = 127.0F;
/// Added to a small number, it leaves the nearest integer in the lowest bits: 1.5 * 2^23.
constexpr float kRound = 12582912.0F;
constexpr float kMost = std::numeric_limits<float>::max();
constexpr std::uint32_t kInfinity = 0x7f800000U;  // bits of it
constexpr float kNoNumber = std::numeric_limits<float>::quiet_NaN();

/// The bits of the largest magnitude, whose order is that of the numbers, with NaN above all.
[[gnu::always_inline]] inline std::uint32_t largest_bits(const float* x, std::int64_t count) {
  std::uint32_t largest = 0;
  for (std::int64_t j = 0; j < count; ++j) {
    const std::uint32_t magnitude = __builtin_bit_cast(std::uint32_t, x[j]) & 0x7fffffffU;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

}  // namespace

PHOTOSCRIBE_VECTOR_CLONES
void quantise_rows(std::int64_t rows, std::int64_t size, const float* x, std::uint8_t* bits,
                   float* scale) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* const from = x + r * size;
    std::uint8_t* const to = bits + r * size;
    const std::uint32_t largest = largest_bits(from, size);
    scale[r] = largest < kInfinity ? __builtin_bit_cast(float, largest) / kLargest : kNoNumber;
    // Zero for rows of zeros, of numbers too small to be divided by, and of what is not finite.
    const float inverse = largest < kInfinity ? 1.0F / scale[r] : 0.0F;
    const bool usable = inverse > 0 && inverse <= kMost;
    const float factor = usable ? inverse : 0.0F;
#pragma GCC ivdep
    for (std::int64_t j = 0; j < size; ++j) {
      const float rounded = from[j] * factor + kRound;
      to[j] = static_cast<std::uint8_t>(__builtin_bit_cast(std::uint32_t, rounded) + 128U);
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void take_products(const QuantisedProducts& p, const float* bias, float* y) {
  for (std::int64_t r = 0; r < p.rows; ++r) {
    const std::int32_t* const sum = p.sum + r * p.columns;
    float* const to = y + r * p.columns;
    const float scale = p.row_scale[r];
    if (bias != nullptr) {
#pragma GCC ivdep
      for (std::int64_t v = 0; v < p.columns; ++v)
        to[v] = static_cast<float>(sum[v] - p.offset[v]) * (scale * p.column_scale[v]) + bias[v];
    } else {
#pragma GCC ivdep
      for (std::int64_t v = 0; v < p.columns; ++v)
        to[v] = static_cast<float>(sum[v] - p.offset[v]) * (scale * p.column_scale[v]);
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void add_products(const QuantisedProducts& p, float* y) {
  for (std::int64_t r = 0; r < p.rows; ++r) {
    const std::int32_t* const sum = p.sum + r * p.columns;
    float* const to = y + r * p.columns;
    const float scale = p.row_scale[r];
#pragma GCC ivdep
    for (std::int64_t v = 0; v < p.columns; ++v)
      to[v] += static_cast<float>(sum[v] - p.offset[v]) * (scale * p.column_scale[v]);
  }
}

}  // namespace photoscribe
