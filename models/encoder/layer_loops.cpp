#include "models/encoder/layer_loops.h"

#include <utility>

#include "models/encoder/depthwise.h"
#include "models/encoder/int8_layers.h"
#include "models/encoder/pointwise.h"

namespace photoscribe {

LayerLoops::LayerLoops(std::vector<EncoderLayer> layers, Precision precision)
    : layers_(std::move(layers)), int8_(precision == Precision::int8) {
  loops_ = precision == Precision::bfloat16 || (int8_ && !have_fixed_scales(layers_));
}

bool LayerLoops::is_depthwise(std::size_t i) const {
  return loops_ && i > 0 && i + 1 < layers_.size() && layers_[i].activation == Activation::silu &&
         Depthwise::supports(layers_[i]);
}

bool LayerLoops::is_pointwise(std::size_t i) const {
  if (!loops_ || !int8_ || i == 0 || i >= layers_.size()) return false;
  const bool last = i + 1 == layers_.size();  // whose sum would be float32
  return Pointwise::supports(layers_[i]) && !(last && layers_[i].adds_residual);
}

bool LayerLoops::is_expanded_by_next(std::size_t i) const {
  return is_pointwise(i) && !layers_[i].adds_residual && layers_[i - 1].kind != LayerKind::scale &&
         is_depthwise(i + 1) && !layers_[i + 1].keeps_residual;
}

bool LayerLoops::leaves_silu(std::size_t i) const {
  return layers_[i].lane == Lane::main && layers_[i].activation == Activation::silu &&
         is_depthwise(i + 1) && !layers_[i + 1].keeps_residual && !is_pointwise(i);
}

}  // namespace photoscribe
