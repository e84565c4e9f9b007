#include "models/decoder/plain_decoders.h"

#include <ATen/ATen.h>

#include "models/decoder/cells.h"

namespace photoscribe {
namespace {

using torch::Tensor;

/// The mean (N,D) of `values` (N,L,D), weighted by the softmax of `energy` (N,L,A) times `score`
/// (A).
Tensor mix(const Tensor& values, const Tensor& energy, const Tensor& score, Tensor* alpha) {
  const Tensor weight = at::softmax(at::matmul(energy, score), 1);  // (N,L)
  if (alpha != nullptr) *alpha = weight;
  return at::bmm(weight.unsqueeze(1), values).squeeze(1);
}

void step_cell(bool maxout, const Tensor& gates, Tensor& h, Tensor& c) {
  if (maxout) {
    maxout_lstm(gates, h, c);
  } else {
    lstm(gates, h, c);
  }
}

}  // namespace

void begin(const PlainAttendParameters& p, const Tensor& features, double dropout, Annotations& a) {
  a.values = pool_grid(features, p.grid_side);
  a.mean = p.gated ? a.values.mean(1) : features.mean(1);
  if (dropout > 0) a.values = at::dropout(a.values, dropout, true);
  a.keys = at::linear(a.values, p.key_weight);
  const auto start = at::linear(a.mean, p.start_weight, p.start_bias).chunk(2, 1);
  a.h = start[0].contiguous();
  a.c = start[1].contiguous();
}

void begin(const AttendInParameters& p, const Tensor& features, double dropout, Annotations& a) {
  a.values =
      at::relu(at::linear(pool_grid(features, p.grid_side), p.annotate_weight, p.annotate_bias));
  if (dropout > 0) a.values = at::dropout(a.values, dropout, true);
  a.keys = at::linear(a.values, p.key_weight);
  a.mean = a.values.mean(1);
  a.h = at::zeros({features.size(0), p.cell_hidden.size(1)}, a.values.options());
  a.c = at::zeros_like(a.h);
}

void begin(const PlainShowTellParameters& p, const Tensor& features, double dropout,
           Annotations& a) {
  Tensor photo = at::linear(features.mean(1), p.photo_weight, p.photo_bias);
  if (dropout > 0) photo = at::dropout(photo, dropout, true);
  a.values = a.keys = at::zeros({features.size(0), 1, 1}, photo.options());
  a.h = at::zeros({features.size(0), p.cell_hidden.size(1)}, photo.options());
  a.c = at::zeros_like(a.h);
  step_cell(p.maxout, at::linear(photo, p.cell_input, p.cell_bias), a.h, a.c);
}

Tensor advance(const PlainAttendParameters& p, const Annotations& a, const Tensor& word, Tensor& h,
               Tensor& c, Tensor* alpha) {
  const Tensor sum = a.keys + at::linear(h, p.query_weight, p.query_bias).unsqueeze(1);
  Tensor context = mix(a.values, p.gated ? at::relu(sum) : at::tanh(sum), p.score_weight, alpha);
  if (p.gated) context = at::sigmoid(at::linear(h, p.gate_weight, p.gate_bias)) * context;
  lstm(at::linear(word, p.cell_input, p.cell_bias) + at::linear(context, p.cell_context) +
           at::linear(h, p.cell_hidden),
       h, c);
  return h;
}

Tensor advance(const AttendInParameters& p, const Annotations& a, const Tensor& word, Tensor& h,
               Tensor& c, Tensor* alpha) {
  const Tensor sum = a.keys + at::linear(h, p.query_weight, p.query_bias).unsqueeze(1);
  const Tensor context = mix(a.values, at::tanh(sum), p.score_weight, alpha);
  const Tensor gates = at::linear(word, p.cell_input, p.cell_bias) + at::linear(h, p.cell_hidden);
  const std::int64_t H = h.size(1);
  maxout_lstm(at::cat({gates.narrow(1, 0, 3 * H),
                       gates.narrow(1, 3 * H, 2 * H) + at::linear(context, p.cell_choice)},
                      1),
              h, c);
  return h;
}

Tensor advance(const PlainShowTellParameters& p, const Annotations&, const Tensor& word, Tensor& h,
               Tensor& c, Tensor*) {
  step_cell(p.maxout, at::linear(word, p.cell_input, p.cell_bias) + at::linear(h, p.cell_hidden), h,
            c);
  return h;
}

}  // namespace photoscribe
