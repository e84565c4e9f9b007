// decoder: the LSTM that looks at the grid of features and writes a caption. Private to models/.
//
// Holds the parameters and what a single step computes; training runs whole captions
// (train/sequence.h), captioning runs beams (search.h).
//
// Xu et al., "Show, Attend and Tell", ICML 2015: soft attention (section 4.2) with the gate beta
// (4.2.1) and the deep output layer (eq. 7). Deviations: the features are first projected to
// `annotation_size` channels with a ReLU; the gate is a vector, not a scalar; the initial state is
// one tanh layer; the output layer has a tanh.
//
// N rows, L grid positions, C feature channels, D annotation size, A attention size, E embedding
// size, H hidden size, V words.
#pragma once

#include <torch/types.h>

#include <string>

#include "common/core/model_folder.h"
#include "models/tensors.h"

namespace photoscribe {

struct DecoderParameters {
  torch::Tensor annotate_weight, annotate_bias;          // (D,C) (D)
  torch::Tensor key_weight;                              // (A,D)
  torch::Tensor query_weight, query_bias, score_weight;  // (A,H) (A) (A)
  torch::Tensor gate_weight, gate_bias;                  // (D,H) (D)
  torch::Tensor start_weight, start_bias;                // (2H,D) (2H)
  torch::Tensor embedding;                               // (V,E)
  torch::Tensor cell_input, cell_context, cell_hidden;   // (4H,E) (4H,D) (4H,H): gates i f g o
  torch::Tensor cell_bias;                               // (4H)
  torch::Tensor output_hidden, output_context;           // (E,H) (E,D)
  torch::Tensor output_bias;                             // (E)
  torch::Tensor word_weight, word_bias;                  // (V,E) (V)

  /// Calls `visit(name, tensor)` for each, names as in weights.safetensors.
  template <class Visit>
  void each(Visit&& visit) {
    visit("decoder.annotate.weight", annotate_weight);
    visit("decoder.annotate.bias", annotate_bias);
    visit("decoder.attention.key.weight", key_weight);
    visit("decoder.attention.query.weight", query_weight);
    visit("decoder.attention.query.bias", query_bias);
    visit("decoder.attention.score.weight", score_weight);
    visit("decoder.gate.weight", gate_weight);
    visit("decoder.gate.bias", gate_bias);
    visit("decoder.start.weight", start_weight);
    visit("decoder.start.bias", start_bias);
    visit("decoder.embedding.weight", embedding);
    visit("decoder.cell.input.weight", cell_input);
    visit("decoder.cell.context.weight", cell_context);
    visit("decoder.cell.hidden.weight", cell_hidden);
    visit("decoder.cell.bias", cell_bias);
    visit("decoder.output.hidden.weight", output_hidden);
    visit("decoder.output.context.weight", output_context);
    visit("decoder.output.bias", output_bias);
    visit("decoder.word.weight", word_weight);
    visit("decoder.word.bias", word_bias);
  }
};

/// Takes the parameters of `architecture` with `words` words out of `tensors`. Throws
/// std::runtime_error naming what is missing or has another shape, or an unknown decoder.
[[nodiscard]] DecoderParameters take_decoder(const TensorMap& tensors,
                                             const ModelArchitecture& architecture,
                                             std::int64_t words);
[[nodiscard]] TensorMap tensors_of(DecoderParameters parameters);

/// Freshly initialised parameters, from LibTorch's default generator.
[[nodiscard]] TensorMap random_decoder(const ModelArchitecture& architecture, std::int64_t words);

/// What a photo gives before the first word.
struct Annotations {
  torch::Tensor values;  // (N,L,D)
  torch::Tensor keys;    // (N,L,A)
  torch::Tensor h, c;    // (N,H)
};

/// features (N,L,C) -> Annotations. Differentiable. `dropout` of the annotations, when above 0.
[[nodiscard]] Annotations annotate(const DecoderParameters& p, const torch::Tensor& features,
                                   double dropout = 0);

/// One step in plain LibTorch operations, the definition that everything faster is tested against:
/// updates h and c (N,H) and returns logits (N,V). tokens (N) int64. `alpha`, when not null, gets
/// the attention (N,L).
[[nodiscard]] torch::Tensor reference_step(const DecoderParameters& p, const torch::Tensor& values,
                                           const torch::Tensor& keys, const torch::Tensor& tokens,
                                           torch::Tensor& h, torch::Tensor& c,
                                           torch::Tensor* alpha = nullptr);

}  // namespace photoscribe
