// int8_layers: convolutions in 8-bit integers, as plain arithmetic. Private to models/.
//
// A weight is q * scale with q from -127 to 127 and a scale for each output channel; a map is q *
// scale with one scale for all (Int8Scales), q from 0 to 255 after a ReLU, else from -127 to 127.
// Sums of products are exact.
#pragma once

#include <torch/types.h>

#include <vector>

#include "models/encoder/encoder_layers.h"
#include "models/format/int8_scales.h"

namespace photoscribe {

/// Whether this layer's output is unsigned.
[[nodiscard]] constexpr bool is_unsigned(const EncoderLayer& layer) noexcept {
  return layer.activation == Activation::relu || layer.activation == Activation::relu6;
}

struct Int8Weight {
  torch::Tensor numbers;      // int8, the weight's shape
  std::vector<float> scales;  // of each output channel
};
/// The nearest numbers; a channel's largest magnitude becomes 127. A channel that is not finite has
/// zeros, and NaN for its scale.
[[nodiscard]] Int8Weight narrow(const torch::Tensor& weight);

/// The step of this layer's output. At most a 255th of 6 after a ReLU6: then the end of the range
/// is its clamp. Throws std::runtime_error if there is no scale for the layer.
[[nodiscard]] float scale_of(const Int8Scales& scales, const EncoderLayer& layer);

/// Whether these layers' numbers have the fixed scales described above: convolutions, pooling, ReLU
/// and sums. Those with silu or gates (EfficientNet) have scales that are found as photos come, in
/// front of matrix products alone (pointwise.h).
[[nodiscard]] bool have_fixed_scales(const std::vector<EncoderLayer>& layers);

/// Throws std::runtime_error, saying what to do, if this CPU does not compute these layers in eight
/// bits although it has int8 (has_int8()).
void check_int8(const std::vector<EncoderLayer>& layers);

}  // namespace photoscribe
