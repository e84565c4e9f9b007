// search: greedy and beam search over a batch of photos, on the device that holds the features.
// Private to models/.
//
// Nothing goes back to the host between words except, now and then, whether all photos are
// finished: beams, scores and the best finished caption of each photo are tensors. A photo's rows
// never interact with another photo's, so its caption does not depend on its batch, up to the
// rounding of matrix products of different heights (1e-6 of a log-probability): words may differ
// only where two beams are that close.
//
// N photos, B beam, R = N*B rows, L grid positions, C feature channels; the rest as in decoder.h.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "common/core/spec.h"
#include "models/decoder/step_network.h"
#include "models/search/beams.h"
#include "models/search/endings.h"

namespace photoscribe {

/// The K likeliest next words at each position of captions, and their probabilities, which add up
/// to 1 at each position. S positions, caption after caption.
struct SoftTargets {
  torch::Tensor words, probabilities;  // (S,K) int64, float32
};

/// The decoder with everything that depends on no photo computed beforehand. Parameters may be on
/// any device, float32 or half. One thread at a time.
class CaptionSearch {
 public:
  explicit CaptionSearch(const DecoderParameters& parameters,
                         Precision precision = Precision::float32, EndingRule endings = {});
  /// An ensemble: make_ensemble() of step_network.h.
  explicit CaptionSearch(const std::vector<DecoderParameters>& members,
                         Precision precision = Precision::float32, EndingRule endings = {});

  /// features (N,L,C) on the parameters' device and in their type. Captions are ranked by
  /// log_prob / (words + 1)^length_alpha, the end counting as a word; one ends after tokens_max
  /// words at the latest. Beam 1 is greedy search.
  ///
  /// A word that names a concept costs kRepeatCost each time that it is repeated: without that,
  /// captions name things that are certain twice ("a table on top of a table").
  ///
  /// A caption that would end in an open phrase is ranked far lower (endings.h).
  ///
  /// A photo's search ends when its likeliest open beam, which can only become less likely, would
  /// not beat the best finished caption if it ended at once. With length_alpha above 0 a longer one
  /// could in theory still win; two words' patience cost a fifth more decoding and gained nothing
  /// (dev BLEU-4 of the shipped model 20.98 with it, 20.99 without).
  ///
  /// If a caption omits a concept of which the model is sure (ConstraintRule), constrained beam
  /// search (beams.h) looks for one that names it and replaces it. The other photos cost nothing
  /// more.
  ///
  /// With `settings.alternatives` a photo's search continues until that many other captions are
  /// final, too, by the same rule as the best. The best stays the same.
  ///
  /// With `settings.attention` each caption has the attention maps of its words, if the decoder
  /// attends to a square grid.
  [[nodiscard]] std::vector<Hypothesis> run(const torch::Tensor& features,
                                            const SearchSettings& settings) const;

  /// `count` captions of each photo, drawn word by word from the model's own distribution by
  /// LibTorch's default generator; photo i's start at i * count. A caption that does not end within
  /// tokens_max words is cut there.
  /// `concepts` as in StepNetwork::annotate_photos().
  [[nodiscard]] std::vector<Hypothesis> sample(const torch::Tensor& features, std::int64_t count,
                                               std::int64_t tokens_max,
                                               const torch::Tensor& concepts = {}) const;

  /// The model's next-word probabilities at each position of the captions of N photos (words as
  /// numbers, the end included), given the true words before it (teacher forcing). Words that are
  /// never predicted have no share.
  [[nodiscard]] SoftTargets soft_targets(
      const torch::Tensor& features,
      const std::vector<std::vector<std::vector<std::int64_t>>>& captions,
      std::int64_t count) const;

 private:
  void run_beams(Beams& beams, const SearchSettings& settings, const std::vector<int>& named,
                 std::vector<Hypothesis>& all) const;

  std::unique_ptr<StepNetwork> network_;
  torch::Tensor names_;  // (V) bool: the word names a concept; undefined: no concepts
  ConstraintRule constraints_;
  EndingRule endings_;
};

}  // namespace photoscribe
