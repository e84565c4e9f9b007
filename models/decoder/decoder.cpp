#include "models/decoder/decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <type_traits>

#include "models/decoder/cells.h"
#include "models/decoder/plain_decoders.h"

namespace photoscribe {
namespace {

using torch::Tensor;
using Shape = std::vector<std::int64_t>;

DecoderParameters empty_decoder(const std::string& name) {
  if (name == "show_attend_tell") return AttendTellParameters{};
  if (name == "top_down") return TopDownParameters{};
  if (name == "attend_on_attend") return AttendOnAttendParameters{};
  if (name == "show_tell") return ShowTellParameters{};
  if (name == "attend_in") return AttendInParameters{};
  if (name == "plain_attend_tell" || name == "gated_attend_tell") {
    PlainAttendParameters plain;
    plain.gated = name == "gated_attend_tell";
    return plain;
  }
  if (name == "plain_show_tell" || name == "maxout_show_tell") {
    PlainShowTellParameters plain;
    plain.maxout = name == "maxout_show_tell";
    return plain;
  }
  std::string known;
  for (const std::string& one : decoder_names()) known += (known.empty() ? "" : ", ") + one;
  throw std::runtime_error("decoder '" + name + "' is not known; known are " + known);
}

bool has_deep_words(const DecoderParameters& parameters) {
  return std::visit([]<class P>(const P&) { return std::is_base_of_v<DeepWordParameters, P>; },
                    parameters);
}

/// Gates of a cell, in hidden sizes.
std::int64_t gates_of(const std::string& decoder) {
  return decoder == "attend_in" || decoder == "maxout_show_tell" ? 5 : 4;
}

/// Shapes of the parameters of all decoders; within a decoder each name is unique.
std::map<std::string, Shape> shapes(const ModelArchitecture& a, std::int64_t words) {
  const std::int64_t C = a.feature_channels, D = a.annotation_size, A = a.attention_size,
                     E = a.embedding_size, H = a.hidden_size, V = words, M = a.concepts,
                     U = has_deep_words(empty_decoder(a.decoder)) ? E : H,
                     G = gates_of(a.decoder) * H;
  return {{"decoder.embedding.weight", {V, E}},
          {"decoder.output.hidden.weight", {E, H}},
          {"decoder.output.context.weight", {E, D}},
          {"decoder.output.bias", {E}},
          {"decoder.word.weight", {V, U}},
          {"decoder.word.bias", {V}},
          {"decoder.annotate.weight", {D, C}},
          {"decoder.annotate.bias", {D}},
          {"decoder.attention.key.weight", {A, D}},
          {"decoder.attention.query.weight", {A, H}},
          {"decoder.attention.query.bias", {A}},
          {"decoder.attention.score.weight", {A}},
          {"decoder.gate.weight", {D, H}},
          {"decoder.gate.bias", {D}},
          {"decoder.start.weight", {2 * H, D}},
          {"decoder.start.bias", {2 * H}},
          {"decoder.cell.input.weight", {G, E}},
          {"decoder.cell.context.weight", {G, D}},
          {"decoder.cell.hidden.weight", {G, H}},
          {"decoder.cell.bias", {G}},
          {"decoder.cell.choice.weight", {2 * H, D}},
          {"decoder.first.input.weight", {4 * H, E}},
          {"decoder.first.mean.weight", {4 * H, D}},
          {"decoder.first.hidden.weight", {4 * H, H}},
          {"decoder.first.second.weight", {4 * H, H}},
          {"decoder.first.bias", {4 * H}},
          {"decoder.second.context.weight", {4 * H, D}},
          {"decoder.second.first.weight", {4 * H, H}},
          {"decoder.second.hidden.weight", {4 * H, H}},
          {"decoder.second.bias", {4 * H}},
          {"decoder.cell.mean.weight", {4 * H, D}},
          {"decoder.cell.attended.weight", {4 * H, H}},
          {"decoder.aoa.information.query.weight", {H, H}},
          {"decoder.aoa.information.value.weight", {H, D}},
          {"decoder.aoa.information.bias", {H}},
          {"decoder.aoa.gate.query.weight", {H, H}},
          {"decoder.aoa.gate.value.weight", {H, D}},
          {"decoder.aoa.gate.bias", {H}},
          {"decoder.concept.feature.mean", {C}},
          {"decoder.concept.feature.std", {C}},
          {"decoder.concept.head.weight", {M, C}},
          {"decoder.concept.head.bias", {M}},
          {"decoder.concept.value.weight", {D, E}},
          {"decoder.concept.value.bias", {D}},
          {"decoder.concept.nothing", {D}},
          {"decoder.concept.gate.weight", {1, E}},
          {"decoder.concept.gate.bias", {1}},
          {"decoder.concept.name", {M}},
          {"decoder.concept.of_word", {V}},
          {"decoder.photo.weight", {E, C}},
          {"decoder.photo.bias", {E}}};
}

/// The concepts of a decoder with attention, else null.
ConceptParameters* concepts_in(DecoderParameters& parameters) {
  return std::visit(
      []<class P>(P& p) -> ConceptParameters* {
        if constexpr (std::is_base_of_v<AttentionParameters, P>) {
          return &p.concepts;
        } else {
          return nullptr;
        }
      },
      parameters);
}

template <class Visit>
void visit_each(DecoderParameters& parameters, bool with_concepts, Visit&& visit) {
  std::visit([&visit](auto& p) { p.each(visit); }, parameters);
  if (!with_concepts) return;
  ConceptParameters* concepts = concepts_in(parameters);
  if (concepts == nullptr)
    throw std::runtime_error(
        "this decoder cannot use concepts; show_attend_tell, top_down and "
        "attend_on_attend can");
  concepts->each(visit);
}

bool is_number(std::string_view name) {
  return name == "decoder.concept.name" || name == "decoder.concept.of_word";
}

/// The context vector (N,D) that attention gives for the querying state h1 (N,H).
Tensor attention_context(const AttentionParameters& p, const Annotations& a, const Tensor& h1,
                         Tensor* alpha) {
  const Tensor query = at::linear(h1, p.query_weight, p.query_bias);
  const Tensor score = at::matmul(at::tanh(a.keys + query.unsqueeze(1)), p.score_weight);
  const Tensor weight = at::softmax(score, 1);  // (N,L)
  if (alpha != nullptr) *alpha = weight;
  return at::bmm(weight.unsqueeze(1), a.values).squeeze(1);
}

Tensor logits(const DeepWordParameters& p, const Tensor& out) {
  return at::linear(at::tanh(out), p.word_weight, p.word_bias);
}

Tensor logits(const AttentionParameters& p, const Annotations& a, const Tensor& out) {
  const Tensor scores = logits(p, out);
  return a.odds.defined() ? scores + concept_gate(p.concepts, at::tanh(out)) * a.odds : scores;
}

Tensor step(const AttendTellParameters& p, const Annotations& a, const Tensor& word, Tensor& h,
            Tensor& c, Tensor* alpha) {
  const Tensor gate = at::sigmoid(at::linear(h, p.gate_weight, p.gate_bias));
  const Tensor context = gate * attention_context(p, a, h, alpha);  // (N,D)
  lstm(at::linear(word, p.cell_input, p.cell_bias) + at::linear(context, p.cell_context) +
           at::linear(h, p.cell_hidden),
       h, c);
  return logits(
      p, a,
      at::linear(h, p.output_hidden, p.output_bias) + at::linear(context, p.output_context) + word);
}

Tensor step(const TopDownParameters& p, const Annotations& a, const Tensor& word, Tensor& h,
            Tensor& c, Tensor* alpha) {
  const auto h_in = h.chunk(2, 1), c_in = c.chunk(2, 1);
  Tensor h1 = h_in[0], h2 = h_in[1], c1 = c_in[0], c2 = c_in[1];
  lstm(at::linear(word, p.first_input, p.first_bias) + a.fixed + at::linear(h1, p.first_hidden) +
           at::linear(h2, p.first_second),
       h1, c1);
  const Tensor context = attention_context(p, a, h1, alpha);
  lstm(at::linear(context, p.second_context, p.second_bias) + at::linear(h1, p.second_first) +
           at::linear(h2, p.second_hidden),
       h2, c2);
  h = at::cat({h1, h2}, 1);
  c = at::cat({c1, c2}, 1);
  return logits(p, a, at::linear(h2, p.output_hidden, p.output_bias));
}

Tensor step(const AttendOnAttendParameters& p, const Annotations& a, const Tensor& word, Tensor& h,
            Tensor& c, Tensor* alpha) {
  const auto h_in = h.chunk(2, 1);
  Tensor own = h_in[0];
  lstm(at::linear(word, p.cell_input, p.cell_bias) + a.fixed + at::linear(own, p.cell_hidden) +
           at::linear(h_in[1], p.cell_attended),
       own, c);
  const Tensor context = attention_context(p, a, own, alpha);
  const Tensor information = at::linear(own, p.information_query, p.information_bias) +
                             at::linear(context, p.information_value);
  const Tensor gate =
      at::sigmoid(at::linear(own, p.gate_query, p.gate_bias) + at::linear(context, p.gate_value));
  const Tensor attended = information * gate;
  h = at::cat({own, attended}, 1);
  return logits(p, a, at::linear(attended, p.output_hidden, p.output_bias));
}

Tensor step(const ShowTellParameters& p, const Annotations&, const Tensor& word, Tensor& h,
            Tensor& c, Tensor*) {
  lstm(at::linear(word, p.cell_input, p.cell_bias) + at::linear(h, p.cell_hidden), h, c);
  return logits(p, at::linear(h, p.output_hidden, p.output_bias));
}

template <class Plain, std::enable_if_t<!std::is_base_of_v<DeepWordParameters, Plain>, int> = 0>
Tensor step(const Plain& p, const Annotations& a, const Tensor& word, Tensor& h, Tensor& c,
            Tensor* alpha) {
  return at::linear(advance(p, a, word, h, c, alpha), p.word_weight, p.word_bias);
}

void annotate_grid(const AttentionParameters& p, const Tensor& features, double dropout,
                   Annotations& a) {
  if (features.defined()) {
    a.values =
        at::relu(at::linear(pool_grid(features, p.grid_side), p.annotate_weight, p.annotate_bias));
  } else {
    a.values = p.concepts.nothing.view({1, 1, -1}).expand({a.concepts.size(0), 1, -1});
  }
  a.mean = a.values.mean(1);
  if (p.concepts.defined()) {
    if (!a.concepts.defined()) a.concepts = detect(p.concepts, standardise(p.concepts, features));
    a.odds = concept_odds(p.concepts, a.concepts);
    const Tensor concept_values =
        at::linear(name_concepts(p, a.concepts), p.concepts.value_weight, p.concepts.value_bias);
    a.values = at::cat({a.values, concept_values}, 1);
    a.mean = a.mean + concept_values.mean(1);
  }
  if (dropout > 0) a.values = at::dropout(a.values, dropout, true);
  a.keys = at::linear(a.values, p.key_weight);
}

void begin(const AttendTellParameters& p, const Tensor& features, double dropout, Annotations& a) {
  annotate_grid(p, features, dropout, a);
  const auto start = at::tanh(at::linear(a.mean, p.start_weight, p.start_bias)).chunk(2, 1);
  a.h = start[0].contiguous();
  a.c = start[1].contiguous();
}

void begin(const TopDownParameters& p, const Tensor& features, double dropout, Annotations& a) {
  annotate_grid(p, features, dropout, a);
  a.fixed = at::linear(a.mean, p.first_mean);
  a.h = at::zeros({a.mean.size(0), 2 * p.first_hidden.size(1)}, a.values.options());
  a.c = at::zeros_like(a.h);
}

void begin(const AttendOnAttendParameters& p, const Tensor& features, double dropout,
           Annotations& a) {
  annotate_grid(p, features, dropout, a);
  a.fixed = at::linear(a.mean, p.cell_mean);
  a.c = at::zeros({a.mean.size(0), p.cell_hidden.size(1)}, a.values.options());
  a.h = at::cat({a.c, a.c}, 1);
}

void begin(const ShowTellParameters& p, const Tensor& features, double dropout, Annotations& a) {
  Tensor photo = at::linear(features.mean(1), p.photo_weight, p.photo_bias);
  if (dropout > 0) photo = at::dropout(photo, dropout, true);
  a.values = a.keys = at::zeros({features.size(0), 1, 1}, photo.options());
  a.h = at::zeros({features.size(0), p.cell_hidden.size(1)}, photo.options());
  a.c = at::zeros_like(a.h);
  lstm(at::linear(photo, p.cell_input, p.cell_bias), a.h, a.c);
}

}  // namespace

const std::vector<std::string>& decoder_names() {
  static const std::vector<std::string> names{
      "show_attend_tell",  "top_down",  "attend_on_attend", "show_tell",       "gated_attend_tell",
      "plain_attend_tell", "attend_in", "plain_show_tell",  "maxout_show_tell"};
  return names;
}

DecoderParameters take_decoder(const TensorMap& tensors, const ModelArchitecture& architecture,
                               std::int64_t words) {
  DecoderParameters parameters = empty_decoder(architecture.decoder);
  const auto expected = shapes(architecture, words);
  if (std::holds_alternative<PlainAttendParameters>(parameters) &&
      architecture.annotation_size != architecture.feature_channels)
    throw std::runtime_error(architecture.decoder +
                             " attends to the features themselves: annotation_size must be " +
                             std::to_string(architecture.feature_channels));
  visit_each(parameters, architecture.concepts > 0, [&](const char* name, Tensor& tensor) {
    tensor = take(tensors, name, expected.at(name));
  });
  std::visit([&](auto& p) { p.grid_side = architecture.grid_side; }, parameters);
  if (ConceptParameters* concepts = concepts_in(parameters); concepts != nullptr) {
    concepts->slots = architecture.concept_slots;
    concepts->weight = architecture.concept_weight;
    concepts->undecided = architecture.concept_undecided;
    concepts->said_min = architecture.concept_said_min;
  }
  return parameters;
}

const ConceptParameters* concepts_of(const DecoderParameters& parameters) {
  const ConceptParameters* found = concepts_in(const_cast<DecoderParameters&>(parameters));
  return found != nullptr && found->defined() ? found : nullptr;
}

bool is_trained_by_captions(std::string_view name) noexcept {
  return !is_number(name) && !name.starts_with("decoder.concept.head.") &&
         !name.starts_with("decoder.concept.feature.");
}

TensorMap tensors_of(DecoderParameters parameters) {
  TensorMap all;
  visit_each(parameters, concepts_of(parameters) != nullptr,
             [&](const char* name, Tensor& tensor) { all.emplace(name, tensor); });
  return all;
}

TensorMap random_decoder(const ModelArchitecture& architecture, std::int64_t words) {
  const auto expected = shapes(architecture, words);
  DecoderParameters parameters = empty_decoder(architecture.decoder);
  std::vector<std::string> names;
  visit_each(parameters, architecture.concepts > 0,
             [&](const char* name, Tensor&) { names.emplace_back(name); });
  std::sort(names.begin(), names.end());
  TensorMap all;
  for (const std::string& name : names) {
    if (is_number(name)) continue;  // those come from the list of concepts
    const Shape& shape = expected.at(name);
    if (name == "decoder.embedding.weight" || name == "decoder.word.weight") {
      all.emplace(name, at::empty(shape).uniform_(-0.1, 0.1));
    } else if (shape.size() == 1 && name != "decoder.attention.score.weight") {
      all.emplace(name, at::zeros(shape));
    } else {
      // Uniform with variance 1 / (3 fan-in), LibTorch's own default for linear layers.
      double bound = 1 / std::sqrt(static_cast<double>(shape.back()));
      // Word embeddings are short compared with features.
      if (name == "decoder.concept.value.weight") bound *= 7;
      all.emplace(name, at::empty(shape).uniform_(-bound, bound));
    }
  }
  if (const auto std = all.find("decoder.concept.feature.std"); std != all.end())
    std->second.fill_(1);
  const std::int64_t hidden = architecture.hidden_size;
  // The forget gate starts open: Jozefowicz et al., ICML 2015.
  for (const char* bias : {"decoder.cell.bias", "decoder.first.bias", "decoder.second.bias"})
    if (const auto found = all.find(bias); found != all.end())
      found->second.slice(0, hidden, 2 * hidden).fill_(1);
  return all;
}

Tensor pool_grid(const Tensor& features, std::int64_t side) {
  const std::int64_t N = features.size(0), L = features.size(1), C = features.size(2);
  const auto own = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(L))));
  if (side == 0 || side == own) return features;
  if (own * own != L) throw std::runtime_error("a grid that is not square cannot be pooled");
  const Tensor map = features.transpose(1, 2).reshape({N, C, own, own});
  return at::adaptive_avg_pool2d(map, {side, side})
      .view({N, C, side * side})
      .transpose(1, 2)
      .contiguous();
}

Tensor standardise(const ConceptParameters& p, const Tensor& features) {
  return (features.mean(1) - p.feature_mean) / p.feature_std;
}

Tensor detect(const ConceptParameters& p, const Tensor& standardised) {
  return at::sigmoid(at::linear(standardised, p.head_weight, p.head_bias));
}

Tensor name_concepts(const AttentionParameters& p, const Tensor& concepts) {
  const auto [probability, which] = at::topk(concepts, p.concepts.slots, 1);  // (N,K)
  const Tensor name = p.concepts.name.index_select(0, which.flatten()).view(which.sizes());
  return at::embedding(p.word_weight, name) * probability.unsqueeze(2);
}

Tensor concept_odds(const ConceptParameters& p, const Tensor& concepts) {
  constexpr double kLeast = 0.003;
  const Tensor odds = at::log(concepts.clamp_min(kLeast) / p.undecided) * p.weight;
  return odds.index_select(1, p.of_word.clamp_min(0)).masked_fill_(p.of_word.lt(0), 0);
}

Tensor concept_gate(const ConceptParameters& p, const Tensor& out) {
  return at::softplus(at::linear(out, p.gate_weight, p.gate_bias));
}

Annotations annotate(const DecoderParameters& parameters, const Tensor& features, double dropout,
                     const Tensor& concepts) {
  Annotations a;
  a.concepts = concepts;
  std::visit([&](const auto& p) { begin(p, features, dropout, a); }, parameters);
  return a;
}

Tensor reference_step(const DecoderParameters& parameters, const Annotations& a,
                      const Tensor& tokens, Tensor& h, Tensor& c, Tensor* alpha) {
  const Tensor word = at::embedding(words_of(parameters).embedding, tokens);  // (N,E)
  return std::visit([&](const auto& p) { return step(p, a, word, h, c, alpha); }, parameters);
}

}  // namespace photoscribe
