// decoder: the LSTMs that look at the grid of features and write a caption. Private to models/.
//
// Holds the parameters of each and what a single step of it computes; training runs whole captions
// (train/sequence.h), captioning runs beams (step_network.h, search.h).
//
// N rows, L grid positions, C feature channels, D annotation size, A attention size, E embedding
// size, H hidden size, V words.
#pragma once

#include <torch/types.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/core/model_folder.h"
#include "models/tensors.h"

namespace photoscribe {

/// What every decoder has: words in, and words out of an output vector of size E.
struct WordParameters {
  torch::Tensor embedding;               // (V,E)
  torch::Tensor output_hidden;           // (E,H)
  torch::Tensor output_bias;             // (E)
  torch::Tensor word_weight, word_bias;  // (V,E) (V)

  template <class Visit>
  void each_word(Visit&& visit) {
    visit("decoder.embedding.weight", embedding);
    visit("decoder.output.hidden.weight", output_hidden);
    visit("decoder.output.bias", output_bias);
    visit("decoder.word.weight", word_weight);
    visit("decoder.word.bias", word_bias);
  }
};

/// The concepts beside the grid (concepts.h), for decoders with attention, after You et al., "Image
/// Captioning with Semantic Attention", CVPR 2016, and Yao et al., "Boosting Image Captioning with
/// Attributes", ICCV 2017: M concepts, each with a probability that people who look at the photo
/// name it, by a layer on the mean of the features; the K likeliest join the grid as annotations.
/// Deviations: what is attended to is the output embedding of the concept's name times its
/// probability, so a word that no photo came with when it was learnt is known from text alone.
struct ConceptParameters {
  torch::Tensor feature_mean, feature_std;  // (C) (C) of the training photos' mean features
  torch::Tensor head_weight, head_bias;     // (M,C) (M), log-odds of those, standardised
  torch::Tensor value_weight, value_bias;   // (D,E) (D), annotations of word embeddings
  torch::Tensor nothing;                    // (D), the one annotation of a text without a photo
  torch::Tensor gate_weight, gate_bias;     // (1,E) (1), how much the classifier has to say
  torch::Tensor name, of_word;              // ConceptNumbers: (M) (V) int64; not learnt
  std::int64_t slots = 0;                   // K
  double weight = 1;                        // ModelArchitecture::concept_weight

  [[nodiscard]] bool defined() const noexcept { return head_weight.defined(); }
  template <class Visit>
  void each(Visit&& visit) {
    visit("decoder.concept.feature.mean", feature_mean);
    visit("decoder.concept.feature.std", feature_std);
    visit("decoder.concept.head.weight", head_weight);
    visit("decoder.concept.head.bias", head_bias);
    visit("decoder.concept.value.weight", value_weight);
    visit("decoder.concept.value.bias", value_bias);
    visit("decoder.concept.nothing", nothing);
    visit("decoder.concept.gate.weight", gate_weight);
    visit("decoder.concept.gate.bias", gate_bias);
    visit("decoder.concept.name", name);
    visit("decoder.concept.of_word", of_word);
  }
};

/// What decoders with attention have besides.
struct AttentionParameters : WordParameters {
  ConceptParameters concepts;                            // undefined: none
  torch::Tensor annotate_weight, annotate_bias;          // (D,C) (D)
  torch::Tensor key_weight;                              // (A,D)
  torch::Tensor query_weight, query_bias, score_weight;  // (A,H) (A) (A)

  template <class Visit>
  void each_attention(Visit&& visit) {
    each_word(visit);
    visit("decoder.annotate.weight", annotate_weight);
    visit("decoder.annotate.bias", annotate_bias);
    visit("decoder.attention.key.weight", key_weight);
    visit("decoder.attention.query.weight", query_weight);
    visit("decoder.attention.query.bias", query_bias);
    visit("decoder.attention.score.weight", score_weight);
  }
};

/// show_attend_tell: Xu et al., "Show, Attend and Tell", ICML 2015: soft attention (section 4.2)
/// with the gate beta (4.2.1) and the deep output layer (eq. 7). Deviations: the features are first
/// projected to D channels with a ReLU; the gate is a vector, not a scalar; the initial state is
/// one tanh layer; the output layer has a tanh.
struct AttendTellParameters : AttentionParameters {
  torch::Tensor gate_weight, gate_bias;                 // (D,H) (D)
  torch::Tensor start_weight, start_bias;               // (2H,D) (2H)
  torch::Tensor cell_input, cell_context, cell_hidden;  // (4H,E) (4H,D) (4H,H): gates i f g o
  torch::Tensor cell_bias;                              // (4H)
  torch::Tensor output_context;                         // (E,D)

  /// Calls `visit(name, tensor)` for each, names as in weights.safetensors.
  template <class Visit>
  void each(Visit&& visit) {
    each_attention(visit);
    visit("decoder.gate.weight", gate_weight);
    visit("decoder.gate.bias", gate_bias);
    visit("decoder.start.weight", start_weight);
    visit("decoder.start.bias", start_bias);
    visit("decoder.cell.input.weight", cell_input);
    visit("decoder.cell.context.weight", cell_context);
    visit("decoder.cell.hidden.weight", cell_hidden);
    visit("decoder.cell.bias", cell_bias);
    visit("decoder.output.context.weight", output_context);
  }
};

/// top_down: Anderson et al., "Bottom-Up and Top-Down Attention for Image Captioning and Visual
/// Question Answering", CVPR 2018, section 3.2, over the grid instead of regions. The first LSTM
/// sees the word, the mean of the annotations and the second one's last state, and asks; the second
/// sees the answer and the first one's state, and speaks. Deviations: features are projected to D
/// channels with a ReLU; the words come out of a tanh layer of size E.
struct TopDownParameters : AttentionParameters {
  torch::Tensor first_input, first_mean;     // (4H,E) (4H,D): gates i f g o
  torch::Tensor first_hidden, first_second;  // (4H,H) of its own last state, (4H,H) of the other's
  torch::Tensor first_bias;                  // (4H)
  torch::Tensor second_context, second_first, second_hidden;  // (4H,D) (4H,H) (4H,H)
  torch::Tensor second_bias;                                  // (4H)

  template <class Visit>
  void each(Visit&& visit) {
    each_attention(visit);
    visit("decoder.first.input.weight", first_input);
    visit("decoder.first.mean.weight", first_mean);
    visit("decoder.first.hidden.weight", first_hidden);
    visit("decoder.first.second.weight", first_second);
    visit("decoder.first.bias", first_bias);
    visit("decoder.second.context.weight", second_context);
    visit("decoder.second.first.weight", second_first);
    visit("decoder.second.hidden.weight", second_hidden);
    visit("decoder.second.bias", second_bias);
  }
};

/// attend_on_attend: Huang et al., "Attention on Attention for Image Captioning", ICCV 2019, the
/// decoder (section 3.3, figure 4b) over the grid: the LSTM sees the word, the mean of the
/// annotations and what it attended to last, and asks; what it gets and what it asked make both
/// information and a gate upon it (eq. 2 to 4), and the product speaks. Deviations: one head of
/// additive attention instead of eight of scaled products; no refining encoder; the mean and the
/// last attended vector have weights of their own; the words come out of a tanh layer of size E.
struct AttendOnAttendParameters : AttentionParameters {
  torch::Tensor cell_input, cell_mean, cell_attended, cell_hidden;  // (4H,E) (4H,D) (4H,H) (4H,H)
  torch::Tensor cell_bias;                                          // (4H): gates i f g o
  torch::Tensor information_query, information_value, information_bias;  // (H,H) (H,D) (H)
  torch::Tensor gate_query, gate_value, gate_bias;                       // (H,H) (H,D) (H)

  template <class Visit>
  void each(Visit&& visit) {
    each_attention(visit);
    visit("decoder.cell.input.weight", cell_input);
    visit("decoder.cell.mean.weight", cell_mean);
    visit("decoder.cell.attended.weight", cell_attended);
    visit("decoder.cell.hidden.weight", cell_hidden);
    visit("decoder.cell.bias", cell_bias);
    visit("decoder.aoa.information.query.weight", information_query);
    visit("decoder.aoa.information.value.weight", information_value);
    visit("decoder.aoa.information.bias", information_bias);
    visit("decoder.aoa.gate.query.weight", gate_query);
    visit("decoder.aoa.gate.value.weight", gate_value);
    visit("decoder.aoa.gate.bias", gate_bias);
  }
};

/// show_tell: Vinyals et al., "Show and Tell", CVPR 2015, section 3.1: the LSTM is shown the photo
/// once, in front of the first word. Deviation: the words come out of a tanh layer of size E.
struct ShowTellParameters : WordParameters {
  torch::Tensor photo_weight, photo_bias;  // (E,C) (E), of the mean of the features
  torch::Tensor cell_input, cell_hidden;   // (4H,E) (4H,H): gates i f g o
  torch::Tensor cell_bias;                 // (4H)

  template <class Visit>
  void each(Visit&& visit) {
    each_word(visit);
    visit("decoder.photo.weight", photo_weight);
    visit("decoder.photo.bias", photo_bias);
    visit("decoder.cell.input.weight", cell_input);
    visit("decoder.cell.hidden.weight", cell_hidden);
    visit("decoder.cell.bias", cell_bias);
  }
};

using DecoderParameters = std::variant<AttendTellParameters, TopDownParameters,
                                       AttendOnAttendParameters, ShowTellParameters>;

[[nodiscard]] inline const WordParameters& words_of(const DecoderParameters& parameters) {
  return std::visit([](const auto& p) -> const WordParameters& { return p; }, parameters);
}

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

/// Annotations (N,K,D) of the likeliest of the concepts (N,M). Differentiable.
[[nodiscard]] torch::Tensor annotate_concepts(const AttentionParameters& p,
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
