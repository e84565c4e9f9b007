// decoder_parameters: the parameters of each decoder, by their names in weights.safetensors.
// Private to models/.
//
// N rows, L grid positions, C feature channels, D annotation size, A attention size, E embedding
// size, H hidden size, V words.
#pragma once

#include <torch/types.h>

#include <variant>

namespace photoscribe {

/// What every decoder has: word embeddings, and words predicted from a vector of size U.
struct WordParameters {
  torch::Tensor embedding;               // (V,E)
  torch::Tensor word_weight, word_bias;  // (V,U) (V)
  std::int64_t grid_side = 0;            // ModelArchitecture::grid_side

  template <class Visit>
  void each_word(Visit&& visit) {
    visit("decoder.embedding.weight", embedding);
    visit("decoder.word.weight", word_weight);
    visit("decoder.word.bias", word_bias);
  }
};

/// What our own decoders have: a tanh layer of size E before the words, so U is E.
struct DeepWordParameters : WordParameters {
  torch::Tensor output_hidden;  // (E,H)
  torch::Tensor output_bias;    // (E)

  template <class Visit>
  void each_deep_word(Visit&& visit) {
    each_word(visit);
    visit("decoder.output.hidden.weight", output_hidden);
    visit("decoder.output.bias", output_bias);
  }
};

/// The concepts beside the grid (concepts.h), for decoders with attention, after You et al., "Image
/// Captioning with Semantic Attention", CVPR 2016, and Yao et al., "Boosting Image Captioning with
/// Attributes", ICCV 2017: M concepts, each with a probability that people who look at the photo
/// name it, from a layer on the mean of the features; the K likeliest join the grid as annotations.
/// Deviations: what is attended to is the output embedding of the concept's name times its
/// probability, so a word without training photos is known from text alone.
struct ConceptParameters {
  torch::Tensor feature_mean, feature_std;  // (C) (C) of the training photos' mean features
  torch::Tensor head_weight, head_bias;     // (M,C) (M), log-odds of those, standardised
  torch::Tensor value_weight, value_bias;   // (D,E) (D), annotations of word embeddings
  torch::Tensor nothing;                    // (D), the only annotation of a text without a photo
  torch::Tensor gate_weight, gate_bias;     // (1,E) (1), the weight of the classifier
  torch::Tensor name, of_word;              // ConceptNumbers: (M) (V) int64; not trained
  std::int64_t slots = 0;                   // K
  double weight = 1;                        // ModelArchitecture::concept_weight
  double undecided = 0.1;                   // ModelArchitecture::concept_undecided
  double said_min = 0;                      // ModelArchitecture::concept_said_min

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

/// What decoders with attention have in addition.
struct AttentionParameters : DeepWordParameters {
  ConceptParameters concepts;                            // undefined: none
  torch::Tensor annotate_weight, annotate_bias;          // (D,C) (D)
  torch::Tensor key_weight;                              // (A,D)
  torch::Tensor query_weight, query_bias, score_weight;  // (A,H) (A) (A)

  template <class Visit>
  void each_attention(Visit&& visit) {
    each_deep_word(visit);
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
/// gets the word, the mean of the annotations and the second one's last state, and gives the query;
/// the second gets the context and the first one's state, and gives the words. Deviations: features
/// are projected to D channels with a ReLU; the words come out of a tanh layer of size E.
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
/// decoder (section 3.3, figure 4b) over the grid: the LSTM gets the word, the mean of the
/// annotations and the last attended vector, and gives the query; query and context make both
/// information and a gate for it (eq. 2 to 4), and their product gives the words. Deviations: one
/// head of additive attention instead of eight of scaled products; no refining encoder; the mean
/// and the last attended vector have weights of their own; the words come out of a tanh layer of
/// size E.
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

/// show_tell: Vinyals et al., "Show and Tell", CVPR 2015, section 3.1: the LSTM gets the photo
/// once, before the first word. Deviation: the words come out of a tanh layer of size E.
struct ShowTellParameters : DeepWordParameters {
  torch::Tensor photo_weight, photo_bias;  // (E,C) (E), of the mean of the features
  torch::Tensor cell_input, cell_hidden;   // (4H,E) (4H,H): gates i f g o
  torch::Tensor cell_bias;                 // (4H)

  template <class Visit>
  void each(Visit&& visit) {
    each_deep_word(visit);
    visit("decoder.photo.weight", photo_weight);
    visit("decoder.photo.bias", photo_bias);
    visit("decoder.cell.input.weight", cell_input);
    visit("decoder.cell.hidden.weight", cell_hidden);
    visit("decoder.cell.bias", cell_bias);
  }
};

// The decoders of captioners that others trained (train/import_captioner.h), as they are: words
// come straight out of the LSTM's state, so U is H.

/// plain_attend_tell and gated_attend_tell: soft attention (Xu et al. 2015, section 4.2) to the
/// features themselves, so D is C. plain_attend_tell is ruotianluo's show_attend_tell: the initial
/// state is a layer on the mean of the grid as the encoder gives it. gated_attend_tell is that of
/// sgrvinod's tutorial: a ReLU instead of the attention's tanh, a gate beta that is a vector, and
/// an initial state from the mean of the pooled grid.
struct PlainAttendParameters : WordParameters {
  bool gated = false;
  torch::Tensor key_weight;                             // (A,C)
  torch::Tensor query_weight, query_bias;               // (A,H) (A), including the keys' bias
  torch::Tensor score_weight;                           // (A)
  torch::Tensor gate_weight, gate_bias;                 // (C,H) (C); not of plain_attend_tell
  torch::Tensor start_weight, start_bias;               // (2H,C) (2H): h, c
  torch::Tensor cell_input, cell_context, cell_hidden;  // (4H,E) (4H,C) (4H,H): gates i f g o
  torch::Tensor cell_bias;                              // (4H)

  template <class Visit>
  void each(Visit&& visit) {
    each_word(visit);
    visit("decoder.attention.key.weight", key_weight);
    visit("decoder.attention.query.weight", query_weight);
    visit("decoder.attention.query.bias", query_bias);
    visit("decoder.attention.score.weight", score_weight);
    if (gated) visit("decoder.gate.weight", gate_weight);
    if (gated) visit("decoder.gate.bias", gate_bias);
    visit("decoder.start.weight", start_weight);
    visit("decoder.start.bias", start_bias);
    visit("decoder.cell.input.weight", cell_input);
    visit("decoder.cell.context.weight", cell_context);
    visit("decoder.cell.hidden.weight", cell_hidden);
    visit("decoder.cell.bias", cell_bias);
  }
};

/// attend_in: Att2in of Rennie et al., "Self-critical Sequence Training for Image Captioning", CVPR
/// 2017, as ruotianluo's att2in2 has it: the context goes into the cell's input alone, which is the
/// larger of two (maxout) instead of a tanh. The features are projected to D channels with a ReLU;
/// the initial state is zero.
struct AttendInParameters : WordParameters {
  torch::Tensor annotate_weight, annotate_bias;  // (D,C) (D)
  torch::Tensor key_weight;                      // (A,D)
  torch::Tensor query_weight, query_bias;        // (A,H) (A), including the keys' bias
  torch::Tensor score_weight;                    // (A)
  torch::Tensor cell_input, cell_hidden;         // (5H,E) (5H,H): gates i f o, two inputs
  torch::Tensor cell_bias;                       // (5H)
  torch::Tensor cell_choice;                     // (2H,D), of the inputs

  template <class Visit>
  void each(Visit&& visit) {
    each_word(visit);
    visit("decoder.annotate.weight", annotate_weight);
    visit("decoder.annotate.bias", annotate_bias);
    visit("decoder.attention.key.weight", key_weight);
    visit("decoder.attention.query.weight", query_weight);
    visit("decoder.attention.query.bias", query_bias);
    visit("decoder.attention.score.weight", score_weight);
    visit("decoder.cell.input.weight", cell_input);
    visit("decoder.cell.hidden.weight", cell_hidden);
    visit("decoder.cell.bias", cell_bias);
    visit("decoder.cell.choice.weight", cell_choice);
  }
};

/// plain_show_tell and maxout_show_tell: Vinyals et al. 2015 without a layer between state and
/// words. plain_show_tell is yunjey's tutorial and ruotianluo's show_tell; maxout_show_tell is
/// ruotianluo's fc and newfc, whose cell's input is the larger of two instead of a tanh.
struct PlainShowTellParameters : WordParameters {
  bool maxout = false;
  torch::Tensor photo_weight, photo_bias;  // (E,C) (E), of the mean of the features
  // plain (4H,E) (4H,H) (4H): gates i f g o; maxout (5H,E) (5H,H) (5H): gates i f o, two inputs
  torch::Tensor cell_input, cell_hidden, cell_bias;

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

using DecoderParameters =
    std::variant<AttendTellParameters, TopDownParameters, AttendOnAttendParameters,
                 ShowTellParameters, PlainAttendParameters, AttendInParameters,
                 PlainShowTellParameters>;

[[nodiscard]] inline const WordParameters& words_of(const DecoderParameters& parameters) {
  return std::visit([](const auto& p) -> const WordParameters& { return p; }, parameters);
}

}  // namespace photoscribe
