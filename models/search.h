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
#include "models/fast_linear.h"

namespace photoscribe {

/// One photo's best caption.
struct Hypothesis {
  std::vector<std::int64_t> tokens;  // words only
  double log_prob = 0;               // natural log, summed over the words and the end token
};

/// The decoder with everything that depends on no photo worked out beforehand. Parameters may lie
/// on any device, float32 or half. One thread at a time.
class CaptionSearch {
 public:
  explicit CaptionSearch(const DecoderParameters& parameters);

  /// features (N,L,C) on the parameters' device and in their type. Captions are ranked by
  /// log_prob / (words + 1)^length_alpha, the end counting as a word; one ends after tokens_max
  /// words at the latest. Beam 1 is greedy search.
  ///
  /// A photo's search ends when its likeliest open beam, which can only become less likely, would
  /// not beat the best finished caption if it ended at once. With length_alpha above 0 a longer one
  /// could in theory still win; two words' patience cost a fifth more decoding and gained nothing
  /// (dev BLEU-4 of the shipped model 20.98 with it, 20.99 without).
  [[nodiscard]] std::vector<Hypothesis> run(const torch::Tensor& features,
                                            const SearchSettings& settings) const;

 private:
  struct Beams;
  [[nodiscard]] Annotations look(const torch::Tensor& features) const;
  [[nodiscard]] torch::Tensor step(const Annotations& a, const torch::Tensor& tokens,
                                   torch::Tensor& h, torch::Tensor& c) const;

  DecoderParameters p_;
  FastLinear annotate_, key_;                  // (C->D) (D->A)
  torch::Tensor word_gates_;                   // (V,4H) embedding x cell_input + cell_bias
  torch::Tensor word_output_;                  // (V,E) embedding + output_bias
  FastLinear from_hidden_;                     // (H->A+D+4H) query | gate | cell
  FastLinear from_context_;                    // (D->4H)
  FastLinear output_hidden_, output_context_;  // (H->E) (D->E)
  FastLinear word_;  // (E->V), bias minus infinity for what is never written
};

}  // namespace photoscribe
