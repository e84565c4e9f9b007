// photo_annotator: turns features into annotations, before the first word, for the step networks of
// our own decoders with attention. Part of step_network.h. Private to models/.
//
// N photos; the rest as in decoder.h.
#pragma once

#include "models/decoder/step_parts.h"

namespace photoscribe {

class PhotoAnnotator {
 public:
  PhotoAnnotator(const AttentionParameters& p, Precision precision);

  /// Sets what depends on the photos alone: values, keys, mean, concepts, their odds and the
  /// novelty.
  void fill(const torch::Tensor& features, const torch::Tensor& concepts, Annotations& a) const;

  /// set_attention() with those of attend()'s weights that belong to the grid.
  void set_grid_attention(const torch::Tensor& weight, torch::Tensor* alpha) const;

 private:
  AttentionParameters p_;
  FastLinear annotate_, key_, concept_;
};

}  // namespace photoscribe
