// decoder: the LSTMs that look at the grid of features and write a caption. Private to models/.
//
// What a single step of each computes (decoder_parameters.h holds what they have learnt); training
// runs whole captions (train/sequence.h), captioning runs beams (step_network.h, search.h).
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

/// The concept parameters of a decoder that has some, else null.
[[nodiscard]] const ConceptParameters* concepts_of(const DecoderParameters& parameters);

/// Whether `name` is a parameter that training moves: not the classifier's, nor numbers.
[[nodiscard]] bool is_trained_by_captions(std::string_view name) noexcept;

/// Takes the parameters of `architecture` with `words` words out of `tensors`. Throws
/// std::runtime_error naming what is missing or has another shape, or an unknown decoder.
[[nodiscard]] DecoderParameters take_decoder(const TensorMap& tensors,
                                             const ModelArchitecture& architecture,
                                             std::int64_t words);
[[nodiscard]] TensorMap tensors_of(DecoderParameters parameters);

/// Freshly initialised parameters, from LibTorch's default generator.
[[nodiscard]] TensorMap random_decoder(const ModelArchitecture& architecture, std::int64_t words);

/// The features (N,L,C) of a square grid as `side` x `side` of them, each the mean of the positions
/// that it lies over: PyTorch's adaptive average pooling, whose windows overlap where the grid gets
/// larger. 0: as they are.
[[nodiscard]] torch::Tensor pool_grid(const torch::Tensor& features, std::int64_t side);

/// What a photo gives before the first word. A decoder with two LSTMs has their states side by
/// side, so H is twice the hidden size there; attend_on_attend has what it attended to last behind
/// its h, so h alone is twice as wide.
struct Annotations {
  torch::Tensor values;    // (N,L,D), the grid, then concepts; without attention (N,1,1) of nothing
  torch::Tensor keys;      // (N,L,A); without attention the same
  torch::Tensor mean;      // (N,D) of the grid and, added to it, of the concepts
  torch::Tensor concepts;  // (N,M) probabilities; undefined: there are none
  torch::Tensor odds;      // (N,V) what concepts say of words, concept_odds(); undefined: nothing
  torch::Tensor novelty;   // (N) mean square of the standardised features; undefined: not known
  torch::Tensor
      fixed;           // (N,4H) what the photo adds to the first gates at every step, where it does
  torch::Tensor h, c;  // (N,H)
  std::vector<Annotations> members;  // of an ensemble (step_network.h); h and c stand in the whole
};

/// features (N,L,C) -> Annotations. Differentiable. `dropout` of the annotations, when above 0.
/// `concepts` (N,M), when defined, are taken for the classifier's probabilities; then `features`
/// may be undefined: text without photos.
[[nodiscard]] Annotations annotate(const DecoderParameters& p, const torch::Tensor& features,
                                   double dropout = 0, const torch::Tensor& concepts = {});

/// features (N,L,C) -> their mean, standardised (N,C). 1 is how far training photos are from their
/// own mean, squared, on average.
[[nodiscard]] torch::Tensor standardise(const ConceptParameters& p, const torch::Tensor& features);

/// The classifier's probabilities (N,M) for what standardise() gives.
[[nodiscard]] torch::Tensor detect(const ConceptParameters& p, const torch::Tensor& standardised);

/// Embeddings (N,K,E) of the words that name the likeliest of the concepts (N,M), times their
/// probabilities: concept.value's linear layer makes annotations of them. Differentiable.
[[nodiscard]] torch::Tensor name_concepts(const AttentionParameters& p,
                                          const torch::Tensor& concepts);

/// What concepts (N,M) say of the words (N,V): log(p / 0.1) of the concept that a word names, p
/// being at least 0.003; 0 for words that name none. Where the decoder is about to name something,
/// which it learns to tell (gate), this joins the words' log-odds: a product of experts (Hinton
/// 2002), so that a thing that is seen is named though no photo of it was learnt from, and one that
/// is not is left out.
[[nodiscard]] torch::Tensor concept_odds(const ConceptParameters& p, const torch::Tensor& concepts);

/// The gate (S,1), not negative, for output vectors (S,E) behind their tanh.
[[nodiscard]] torch::Tensor concept_gate(const ConceptParameters& p, const torch::Tensor& out);

/// One step in plain LibTorch operations, the definition that everything faster is tested against:
/// updates h and c (N,H) and returns logits (N,V). tokens (N) int64. `alpha`, when not null, gets
/// the attention (N,L), where there is one.
[[nodiscard]] torch::Tensor reference_step(const DecoderParameters& p, const Annotations& a,
                                           const torch::Tensor& tokens, torch::Tensor& h,
                                           torch::Tensor& c, torch::Tensor* alpha = nullptr);

}  // namespace photoscribe
