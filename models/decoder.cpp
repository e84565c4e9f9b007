#include "models/decoder.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace photoscribe {
namespace {

using Shape = std::vector<std::int64_t>;

std::map<std::string, Shape> shapes(const ModelArchitecture& a, std::int64_t words) {
  const std::int64_t C = a.feature_channels, D = a.annotation_size, A = a.attention_size,
                     E = a.embedding_size, H = a.hidden_size, V = words;
  return {{"decoder.annotate.weight", {D, C}},
          {"decoder.annotate.bias", {D}},
          {"decoder.attention.key.weight", {A, D}},
          {"decoder.attention.query.weight", {A, H}},
          {"decoder.attention.query.bias", {A}},
          {"decoder.attention.score.weight", {A}},
          {"decoder.gate.weight", {D, H}},
          {"decoder.gate.bias", {D}},
          {"decoder.start.weight", {2 * H, D}},
          {"decoder.start.bias", {2 * H}},
          {"decoder.embedding.weight", {V, E}},
          {"decoder.cell.input.weight", {4 * H, E}},
          {"decoder.cell.context.weight", {4 * H, D}},
          {"decoder.cell.hidden.weight", {4 * H, H}},
          {"decoder.cell.bias", {4 * H}},
          {"decoder.output.hidden.weight", {E, H}},
          {"decoder.output.context.weight", {E, D}},
          {"decoder.output.bias", {E}},
          {"decoder.word.weight", {V, E}},
          {"decoder.word.bias", {V}}};
}

}  // namespace

DecoderParameters take_decoder(const TensorMap& tensors, const ModelArchitecture& architecture,
                               std::int64_t words) {
  if (architecture.decoder != "show_attend_tell") {
    throw std::runtime_error("decoder '" + architecture.decoder +
                             "' is not known; show_attend_tell is");
  }
  const auto expected = shapes(architecture, words);
  DecoderParameters parameters;
  parameters.each([&](const char* name, torch::Tensor& tensor) {
    tensor = take(tensors, name, expected.at(name));
  });
  return parameters;
}

TensorMap tensors_of(DecoderParameters parameters) {
  TensorMap all;
  parameters.each([&](const char* name, torch::Tensor& tensor) { all.emplace(name, tensor); });
  return all;
}

TensorMap random_decoder(const ModelArchitecture& architecture, std::int64_t words) {
  TensorMap all;
  for (const auto& [name, shape] : shapes(architecture, words)) {
    if (name == "decoder.embedding.weight" || name == "decoder.word.weight") {
      all.emplace(name, at::empty(shape).uniform_(-0.1, 0.1));
    } else if (shape.size() == 1 && name != "decoder.attention.score.weight") {
      all.emplace(name, at::zeros(shape));
    } else {
      // Uniform with variance 1 / (3 fan-in), LibTorch's own default for linear layers.
      const double bound = 1 / std::sqrt(static_cast<double>(shape.back()));
      all.emplace(name, at::empty(shape).uniform_(-bound, bound));
    }
  }
  const std::int64_t hidden = architecture.hidden_size;
  // A forget gate that starts open: Jozefowicz et al., ICML 2015.
  all.at("decoder.cell.bias").slice(0, hidden, 2 * hidden).fill_(1);
  return all;
}

Annotations annotate(const DecoderParameters& p, const torch::Tensor& features, double dropout) {
  Annotations a;
  a.values = at::relu(at::linear(features, p.annotate_weight, p.annotate_bias));
  if (dropout > 0) a.values = at::dropout(a.values, dropout, true);
  a.keys = at::linear(a.values, p.key_weight);
  const auto start =
      at::tanh(at::linear(a.values.mean(1), p.start_weight, p.start_bias)).chunk(2, 1);
  a.h = start[0].contiguous();
  a.c = start[1].contiguous();
  return a;
}

torch::Tensor reference_step(const DecoderParameters& p, const torch::Tensor& values,
                             const torch::Tensor& keys, const torch::Tensor& tokens,
                             torch::Tensor& h, torch::Tensor& c, torch::Tensor* alpha) {
  const torch::Tensor word = at::embedding(p.embedding, tokens);  // (N,E)
  const torch::Tensor query = at::linear(h, p.query_weight, p.query_bias);
  const torch::Tensor score = at::matmul(at::tanh(keys + query.unsqueeze(1)), p.score_weight);
  const torch::Tensor weight = at::softmax(score, 1);  // (N,L)
  const torch::Tensor gate = at::sigmoid(at::linear(h, p.gate_weight, p.gate_bias));
  const torch::Tensor context = gate * at::bmm(weight.unsqueeze(1), values).squeeze(1);  // (N,D)
  const torch::Tensor gates = at::linear(word, p.cell_input, p.cell_bias) +
                              at::linear(context, p.cell_context) + at::linear(h, p.cell_hidden);
  const auto part = gates.chunk(4, 1);
  c = at::sigmoid(part[1]) * c + at::sigmoid(part[0]) * at::tanh(part[2]);
  h = at::sigmoid(part[3]) * at::tanh(c);
  if (alpha != nullptr) *alpha = weight;
  const torch::Tensor out = at::tanh(at::linear(h, p.output_hidden, p.output_bias) +
                                     at::linear(context, p.output_context) + word);
  return at::linear(out, p.word_weight, p.word_bias);
}

}  // namespace photoscribe
