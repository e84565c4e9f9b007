// onednn_weights: an encoder's weights and biases in oneDNN's layouts. Only built with oneDNN.
// Private to models/.
#pragma once

#include <map>
#include <vector>

#include "models/encoder/encoder.h"
#include "models/encoder/int8_layers.h"
#include "models/encoder/onednn_layers.h"

namespace photoscribe::onednn {

class Weights {
 public:
  /// `is_int8`: in integers (int8_layers.h).
  Weights(const Encoder& encoder, const dnnl::engine& engine, bool is_int8)
      : encoder_(encoder), engine_(engine), stream_(engine), is_int8_(is_int8) {}

  /// The layer's weight in the layout that a plan needs; plans of other sizes mostly share it.
  [[nodiscard]] dnnl::memory weight(std::size_t layer, const Desc& wanted);
  /// Its scales, and its integers.
  [[nodiscard]] const Int8Weight& narrowed(std::size_t layer);

  /// Shares the encoder's memory.
  [[nodiscard]] dnnl::memory bias(std::size_t layer) const;
  /// In the unit in which it is added (bias_unit).
  [[nodiscard]] dnnl::memory bias(std::size_t layer, const Rescaling& rescaling, float to) const;

 private:
  Encoder encoder_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  bool is_int8_;
  std::map<std::size_t, std::vector<dnnl::memory>> weights_;
  std::map<std::size_t, Int8Weight> narrowed_;
};

}  // namespace photoscribe::onednn
