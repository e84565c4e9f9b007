// quantised: rows of numbers as 8-bit integers, and what their products mean. Private to models/.
//
// Each row has a scale of its own, found as it comes (dynamic quantisation), and so has each column
// of the weight: Jacob et al., "Quantization and Training of Neural Networks for Efficient
// Integer-Arithmetic-Only Inference", CVPR 2018, section 2, with the zero point of rows fixed at
// 128, since they are signed and oneDNN multiplies unsigned by signed integers fastest.
//
// n rows, K numbers in each, V columns of the weight. Arrays are row-major and contiguous.
#pragma once

#include <cstdint>

namespace photoscribe {

/// bits[r,:] = 128 + round(x[r,:] / scale[r]), where scale[r] is a 127th of the row's largest
/// magnitude. A row that is not finite has NaN for its scale.
void quantise_rows(std::int64_t rows, std::int64_t size, const float* x, std::uint8_t* bits,
                   float* scale);

/// Of the weight, whose integers are narrow()'s (int8_layers.h), offset[v] is 128 times the sum of
/// a column's. K is at most 65,000: sums of products are 32 bits.
///
/// y[r,v] = (sum[r,v] - offset[v]) * row_scale[r] * column_scale[v], plus bias[v] or y[r,v] itself.
struct QuantisedProducts {
  std::int64_t rows = 0, columns = 0;    // n, V
  const std::int32_t* sum = nullptr;     // (n,V)
  const std::int32_t* offset = nullptr;  // (V)
  const float* row_scale = nullptr;      // (n)
  const float* column_scale = nullptr;   // (V)
};
/// `bias` (V) or null.
void take_products(const QuantisedProducts& products, const float* bias, float* y);
void add_products(const QuantisedProducts& products, float* y);

}  // namespace photoscribe
