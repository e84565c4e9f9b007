// decoder: the LSTMs that attend to the grid of features and write a caption. Private to models/.
//
// A single step of each (decoder_parameters.h has their parameters); training runs whole captions
// (train/loss/sequence.h), captioning runs beams (step_network.h, search.h).
//
// N rows, L grid positions, C feature channels, D annotation size, A attention size, E embedding
// size, H hidden size, V words.
#pragma once

#include <torch/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/core/model_folder.h"
#include "models/decoder/decoder_parameters.h"
#include "models/format/tensors.h"

namespace photoscribe {

/// The names that ModelArchitecture::decoder may have.
[[nodiscard]] const std::vector<std::string>& decoder_names();

/// The concept parameters of a decoder that has them, else null.
[[nodiscard]] const ConceptParameters* concepts_of(const DecoderParameters& parameters);

/// Whether `name` is a parameter that training updates: not the classifier's, nor numbers.
[[nodiscard]] bool is_trained_by_captions(std::string_view name) noexcept;

/// Takes the parameters of `architecture` with `words` words out of `tensors`. Throws
/// std::runtime_error naming what is missing or has another shape, or an unknown decoder.
[[nodiscard]] DecoderParameters take_decoder(const TensorMap& tensors,
                                             const ModelArchitecture& architecture,
                                             std::int64_t words);
[[nodiscard]] TensorMap tensors_of(DecoderParameters parameters);

/// Freshly initialised parameters, from LibTorch's default generator.
[[nodiscard]] TensorMap random_decoder(const ModelArchitecture& architecture, std::int64_t words);

/// Pools the features (N,L,C) of a square grid to `side` x `side`, each the mean of the positions
/// that it covers: PyTorch's adaptive average pooling, whose windows overlap if the grid gets
/// larger. 0: unchanged.
[[nodiscard]] torch::Tensor pool_grid(const torch::Tensor& features, std::int64_t side);

/// What a photo contributes before the first word. A decoder with two LSTMs has their states side
/// by side, so H is twice the hidden size there; attend_on_attend has its last attended vector
/// after its h, so h alone is twice as wide.
struct Annotations {
  torch::Tensor values;    // (N,L,D), the grid, then concepts; without attention unused (N,1,1)
  torch::Tensor keys;      // (N,L,A); without attention the same
  torch::Tensor mean;      // (N,D) of the grid plus that of the concepts
  torch::Tensor concepts;  // (N,M) probabilities; undefined: none
  torch::Tensor odds;      // (N,V) of words by concepts, concept_odds(); undefined: none
  torch::Tensor novelty;   // (N) mean square of the standardised features; undefined: unknown
  torch::Tensor fixed;     // (N,4H) added to the first gates at every step; may be undefined
  torch::Tensor h, c;      // (N,H)
  std::vector<Annotations> members;  // of an ensemble; h and c are in the whole
};

/// features (N,L,C) -> Annotations. Differentiable. `dropout` of the annotations, if above 0.
/// `concepts` (N,M), if defined, replace the classifier's probabilities; then `features` may be
/// undefined: text without photos.
[[nodiscard]] Annotations annotate(const DecoderParameters& p, const torch::Tensor& features,
                                   double dropout = 0, const torch::Tensor& concepts = {});

/// features (N,L,C) -> their mean, standardised (N,C). Training photos have a mean square of 1.
[[nodiscard]] torch::Tensor standardise(const ConceptParameters& p, const torch::Tensor& features);

/// The classifier's probabilities (N,M) for what standardise() gives.
[[nodiscard]] torch::Tensor detect(const ConceptParameters& p, const torch::Tensor& standardised);

/// Embeddings (N,K,E) of the words that name the likeliest of the concepts (N,M), times their
/// probabilities: the linear layer concept.value turns them into annotations. Differentiable.
[[nodiscard]] torch::Tensor name_concepts(const AttentionParameters& p,
                                          const torch::Tensor& concepts);

/// The log-odds (N,V) that concepts (N,M) add to words: weight * log(p / undecided) of the concept
/// that a word names, p being at least 0.003; 0 for words that name none. When the decoder is about
/// to name something, which it learns to recognise (gate), they are added to the words' log-odds: a
/// product of experts (Hinton 2002), so that a thing that is detected is named even if no training
/// photo showed it, and one that is not is left out.
[[nodiscard]] torch::Tensor concept_odds(const ConceptParameters& p, const torch::Tensor& concepts);

/// The gate (S,1), not negative, for output vectors (S,E) after their tanh.
[[nodiscard]] torch::Tensor concept_gate(const ConceptParameters& p, const torch::Tensor& out);

/// One step in plain LibTorch operations, the definition that every faster version is tested
/// against: updates h and c (N,H) and returns logits (N,V). tokens (N) int64. `alpha`, if not null,
/// gets the attention (N,L), if there is one.
[[nodiscard]] torch::Tensor reference_step(const DecoderParameters& p, const Annotations& a,
                                           const torch::Tensor& tokens, torch::Tensor& h,
                                           torch::Tensor& c, torch::Tensor* alpha = nullptr);

}  // namespace photoscribe
