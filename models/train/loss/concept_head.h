// concept_head: the classifier of concepts (concepts.h) on the mean of an encoder's features,
// learnt from people's captions and another classifier's labels. Private to models/train.
//
// After Fang et al., "From Captions to Visual Concepts and Back", CVPR 2015, with captions of
// several people as labels, and Hinton et al. 2015 for the other classifier's probabilities.
//
// P photos, C feature channels, M concepts.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/core/error.h"
#include "models/format/concepts.h"
#include "models/format/tensors.h"
#include "models/train/data/dataset.h"

namespace photoscribe {

/// Another classifier's labels: photo -> concepts' words with their probabilities. 0 says that the
/// thing is absent, which counts as much as several people not naming it; a concept that is left
/// out may be there.
using ConceptLabels = std::map<std::string, std::vector<std::pair<std::string, float>>>;

/// JSON Lines, {"id": NAME, "concepts": {WORD: PROBABILITY, …}}. Fails with invalid_config, naming
/// file and line.
[[nodiscard]] Expected<ConceptLabels> read_concept_labels(const std::string& path);

/// How likely people name each concept for each photo, and the weight of that label.
struct ConceptTargets {
  torch::Tensor probability;  // (P,M): 1 if a caption names it, else the other classifier's
  /// (P,M): less if few captions could have named it; more for a photo that an epoch shows several
  /// times.
  torch::Tensor weight;
  torch::Tensor unknown =
      {};  // (P,M) bool: few captions, none names it, and no label says anything
};
/// `photos` may have captions, labels, or both.
[[nodiscard]] ConceptTargets concept_targets(const std::vector<CaptionedPhoto>& photos,
                                             const ConceptLabels& labels,
                                             const std::vector<ConceptEntry>& concepts);

/// The log-odds (P,M) that the classifier in `decoder` gives photos with these mean features (P,C).
[[nodiscard]] torch::Tensor concept_log_odds(const TensorMap& decoder, const torch::Tensor& mean,
                                             double input_dropout = 0);

struct ConceptHead {
  TensorMap parameters;         // decoder.concept.feature.* and decoder.concept.head.*
  torch::Tensor probabilities;  // (P,M), each from a head that was not trained on the photo
};
/// Logistic regression of the targets on mean features (P,C). The decoder must learn from
/// probabilities as it will meet them, not from those of photos that the head has memorised, so
/// four more heads are trained on three quarters of the photos each and applied to the rest.
/// Depends on the seed alone. Reports progress on standard error.
[[nodiscard]] ConceptHead fit_concept_head(const torch::Tensor& features,
                                           const ConceptTargets& targets, std::uint64_t seed);

}  // namespace photoscribe
