// concepts: the concepts of a list (concept_list.h) as numbers of a vocabulary. Private to models/.
#pragma once

#include <torch/types.h>

#include <vector>

#include "models/format/concept_list.h"
#include "models/format/tensors.h"

namespace photoscribe {

/// Concepts as numbers of a vocabulary: M concepts, V words.
struct ConceptNumbers {
  torch::Tensor name;     // (M) int64: the word that stands for each
  torch::Tensor of_word;  // (V) int64: the concept that a word names, -1: none
};
/// `concepts` as known_concepts() gives them.
[[nodiscard]] ConceptNumbers concept_numbers(const std::vector<ConceptEntry>& concepts,
                                             const Vocabulary& vocabulary);

/// Adds them to a decoder's tensors, as `decoder.concept.name` and `decoder.concept.of_word`.
void add_concept_numbers(TensorMap& tensors, const std::vector<ConceptEntry>& concepts,
                         const Vocabulary& vocabulary);

}  // namespace photoscribe
