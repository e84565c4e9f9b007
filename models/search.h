// search: greedy and beam search over a batch of photos, on the device that holds the features.
// Private to models/.
//
// Nothing goes back to the host between words but, now and then, the question whether all photos
// are finished: beams, scores and the best finished caption of each photo are tensors. A photo's
// rows never meet another photo's, so its caption does not depend on its batch, up to the rounding
// of matrix products of different heights (1e-6 of a log-probability): words may differ only where
// two beams are that close.
//
// N photos, B beam, R = N*B rows, L grid positions, C feature channels; the rest as in decoder.h.
#pragma once

#include <torch/types.h>

#include <vector>

#include "common/core/spec.h"
#include "models/decoder.h"

namespace photoscribe {

/// One photo's best caption.
struct Hypothesis {
  std::vector<std::int64_t> tokens;  // words only
  double log_prob = 0;               // natural log, summed over the words and the end token
};

/// The decoder with everything that depends on no photo worked out beforehand. Parameters may lie
/// on any device, float32 or half.
class CaptionSearch {
 public:
  explicit CaptionSearch(const DecoderParameters& parameters);

  /// features (N,L,C) on the parameters' device and in their type. Captions are ranked by
  /// log_prob / (words + 1)^length_alpha, the end counting as a word; one ends after tokens_max
  /// words at the latest. Beam 1 is greedy search.
  ///
  /// A photo's search ends when no open beam can beat its best finished caption any more: a
  /// log-probability only falls, and no caption is longer than tokens_max.
  [[nodiscard]] std::vector<Hypothesis> run(const torch::Tensor& features,
                                            const SearchSettings& settings) const;

 private:
  struct Beams;
  [[nodiscard]] torch::Tensor step(const Annotations& a, const torch::Tensor& tokens,
                                   torch::Tensor& h, torch::Tensor& c) const;

  DecoderParameters p_;
  torch::Tensor word_gates_;     // (V,4H) embedding x cell_input + cell_bias
  torch::Tensor word_output_;    // (V,E) embedding + output_bias
  torch::Tensor from_hidden_t_;  // (H,A+D+4H) query | gate | cell
  torch::Tensor from_hidden_bias_;
  torch::Tensor from_context_t_;   // (D,4H)
  torch::Tensor output_hidden_t_;  // (H,E)
  torch::Tensor output_context_t_;
  torch::Tensor word_t_;     // (E,V)
  torch::Tensor word_bias_;  // (V), minus infinity for what is never written
};

}  // namespace photoscribe
