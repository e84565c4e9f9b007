// int8_layers: convolutions in 8-bit integers, as plain arithmetic. Private to
// models/.
//
// A weight is q * scale with q in -127 to 127 and a scale for each channel that comes out; a map is
// q * scale with one scale for all (Int8Scales), in 0 to 255 behind a ReLU, else in -127 to 127.
// Sums of products are exact.
#pragma once

#include <torch/types.h>

#include <vector>

#include "models/encoder/encoder_layers.h"
#include "models/format/int8_scales.h"

namespace photoscribe {

/// Whether what this layer gives is kept without a sign.
[[nodiscard]] constexpr bool is_unsigned(const EncoderLayer& layer) noexcept {
  return layer.activation == Activation::relu || layer.activation == Activation::relu6;
}

struct Int8Weight {
  torch::Tensor numbers;      // int8, the weight's shape
  std::vector<float> scales;  // of each channel that comes out
};
/// The nearest numbers; a channel's largest magnitude becomes 127.
[[nodiscard]] Int8Weight narrow(const torch::Tensor& weight);

/// What one step of this layer's output counts. At most a 255th of 6 behind a ReLU6: then the end
/// of the numbers is its clamp. Throws std::runtime_error where there is no scale for the layer.
[[nodiscard]] float scale_of(const Int8Scales& scales, const EncoderLayer& layer);

/// Throws std::runtime_error where layers of another kind than convolutions, pooling, ReLU and sums
/// are among them (silu, gates): those are not done in eight bits.
void check_int8(const std::vector<EncoderLayer>& layers);

}  // namespace photoscribe
