#include "models/encoder/int8_layers.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/encoder/pointwise.h"
#include "models/format/precision.h"

namespace photoscribe {

Int8Weight narrow(const torch::Tensor& weight) {
  Int8Weight made;
  const torch::Tensor rows = weight.detach().to(torch::kFloat32).contiguous().flatten(1);
  const torch::Tensor largest = std::get<0>(rows.abs().max(1));
  // Channels of zeros, or too small to be divided by, are zeros; those that are not finite have no
  // scale.
  const torch::Tensor usable = at::logical_and(largest > 1e-35, at::isfinite(largest)),
                      one = at::ones_like(largest);
  const torch::Tensor scales =
      at::where(usable, largest / 127, at::where(at::isfinite(largest), one, one * NAN));
  const torch::Tensor steps = at::round(rows / scales.unsqueeze(1)).clamp(-127, 127);
  made.numbers = at::where(usable.unsqueeze(1), steps, at::zeros_like(steps))
                     .to(torch::kInt8)
                     .view(weight.sizes())
                     .contiguous();
  made.scales.assign(scales.data_ptr<float>(), scales.data_ptr<float>() + scales.numel());
  return made;
}

float scale_of(const Int8Scales& scales, const EncoderLayer& layer) {
  const auto found = scales.by_layer.find(layer.name);
  if (found == scales.by_layer.end())
    throw std::runtime_error("int8: there is no scale for the layer " + layer.name);
  const bool clamped = layer.activation == Activation::relu6;
  return clamped ? std::min(found->second, 6.0F / 255) : found->second;
}

bool have_fixed_scales(const std::vector<EncoderLayer>& layers) {
  return std::none_of(layers.begin(), layers.end(), [](const EncoderLayer& layer) {
    return layer.kind == LayerKind::mean || layer.kind == LayerKind::scale ||
           layer.activation == Activation::silu || layer.activation == Activation::sigmoid;
  });
}

void check_int8(const std::vector<EncoderLayer>& layers) {
  if (have_fixed_scales(layers) || (has_pointwise() && has_bfloat16())) return;
  throw std::runtime_error(
      "int8: encoders with silu or gates (EfficientNet) need a CPU with avx512_vnni and "
      "avx512_bf16, and a build with loops for these; use auto or float32");
}

}  // namespace photoscribe
