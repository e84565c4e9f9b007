// looking: what the step networks of our own decoders with attention do before the first word. Part
// of step_network.h. Private to models/.
//
// N photos; the rest as in decoder.h.
#pragma once

#include "models/decoder/step_parts.h"

namespace photoscribe {

class Looking {
 public:
  Looking(const AttentionParameters& p, Precision precision);

  /// Sets what a photo gives any of them: values, keys, mean, and what concepts say.
  void look(const torch::Tensor& features, const torch::Tensor& concepts, Annotations& a) const;

  /// tell_attention() of attend()'s weights: those of the grid.
  void tell(const torch::Tensor& weight, torch::Tensor* alpha) const;

 private:
  AttentionParameters p_;
  FastLinear annotate_, key_, concept_;
};

}  // namespace photoscribe
