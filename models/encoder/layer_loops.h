// layer_loops: which layers of an encoder run in loops of ours (depthwise.h, pointwise.h) and which
// in oneDNN. Private to models/.
#pragma once

#include <cstddef>
#include <vector>

#include "models/encoder/encoder_layers.h"
#include "models/format/precision.h"

namespace photoscribe {

class LayerLoops {
 public:
  /// For maps of bfloat16, unless the precision is float32 or the scales are fixed
  /// (have_fixed_scales): then there are no loops.
  LayerLoops(std::vector<EncoderLayer> layers, Precision precision);

  /// Not if oneDNN fuses the activation: then oneDNN is faster (RESULTS.md).
  [[nodiscard]] bool is_depthwise(std::size_t layer) const;
  /// Multiplied in eight bits.
  [[nodiscard]] bool is_pointwise(std::size_t layer) const;
  /// Whether the next layer, a depthwise one, computes this pointwise one's rows as it needs them.
  [[nodiscard]] bool is_expanded_by_next(std::size_t layer) const;
  /// Whether the next layer does the silu of this one, whose output nothing else uses.
  [[nodiscard]] bool leaves_silu(std::size_t layer) const;

 private:
  std::vector<EncoderLayer> layers_;
  bool loops_, int8_;
};

}  // namespace photoscribe
