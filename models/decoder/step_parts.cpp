#include "models/decoder/step_parts.h"

#include <ATen/ATen.h>

#include <cstring>
#include <limits>
#include <vector>

#include "models/decoder/cells.h"
#include "models/decoder/kernels.h"
#include "models/format/vocabulary.h"

namespace photoscribe {

using torch::Tensor;

bool has_kernels(const Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == torch::kFloat32;
}

namespace {

/// The photo of each of R rows, equally many rows for each of N.
std::vector<std::int64_t> photos_of(std::int64_t rows, std::int64_t photos) {
  std::vector<std::int64_t> photo(static_cast<std::size_t>(rows));
  for (std::int64_t r = 0; r < rows; ++r) photo[static_cast<std::size_t>(r)] = r / (rows / photos);
  return photo;
}

}  // namespace

SharedRows::SharedRows(const Tensor& rows, std::int64_t photos) : h(rows) {
  const std::int64_t R = rows.size(0), H = rows.size(1), B = R / photos;
  const auto* state = rows.data_ptr<float>();
  const auto same = [&](std::int64_t a, std::int64_t b) {
    return std::memcmp(state + a * H, state + b * H, static_cast<std::size_t>(H) * sizeof *state) ==
           0;
  };
  std::vector<std::int64_t> first;  // (U)
  unique_row = at::empty({R}, torch::kInt64);
  for (std::int64_t r = 0; r < R; ++r) {
    std::size_t u = first.size();
    while (u > 0 && first[u - 1] >= r / B * B && !same(first[u - 1], r)) --u;
    const bool found = u > 0 && first[u - 1] >= r / B * B;
    if (!found) {
      first.push_back(r);
      photo.push_back(r / B);
      u = first.size();
    }
    unique_row.data_ptr<std::int64_t>()[r] = static_cast<std::int64_t>(u) - 1;
  }
  if (static_cast<std::int64_t>(first.size()) < R) h = rows.index_select(0, at::tensor(first));
}

Tensor attend_rows(const Tensor& keys, const std::vector<std::int64_t>& photo, const Tensor& query,
                   const Tensor& v, Energy energy) {
  const std::int64_t L = keys.size(1), R = query.size(0);
  Tensor score = at::empty({R, L}, keys.options());
  const AttentionStep all{R,
                          L,
                          keys.size(2),
                          keys.data_ptr<float>(),
                          photo.data(),
                          query.data_ptr<float>(),
                          query.stride(0),
                          v.data_ptr<float>()};
  if (energy == Energy::tanh) {
    attention_scores(all, nullptr, score.data_ptr<float>());
  } else {
    relu_attention_scores(all, score.data_ptr<float>());
  }
  return at::softmax(score, 1);
}

Tensor weigh_rows(const Tensor& weight, const Tensor& values,
                  const std::vector<std::int64_t>& photo) {
  const std::int64_t R = weight.size(0), D = values.size(2);
  Tensor context = at::empty({R, D}, values.options());
  weighted_sums(
      {R, values.size(1), D, photo.data(), weight.data_ptr<float>(), values.data_ptr<float>()},
      context.data_ptr<float>());
  return context;
}

Tensor attend(const Tensor& keys, const Tensor& query, const Tensor& v, Energy energy) {
  const std::int64_t N = keys.size(0), L = keys.size(1), A = keys.size(2), R = query.size(0),
                     B = R / N;
  if (has_kernels(keys))
    return attend_rows(keys, photos_of(R, N), query, v, energy).view({N, B, L});
  Tensor t = keys.unsqueeze(1) + query.reshape({N, B, 1, A});
  t = energy == Energy::tanh ? t.tanh_() : t.relu_();
  return at::softmax(at::matmul(t, v), 2);
}

void set_attention(const Tensor& weight, std::int64_t beside, Tensor* alpha) {
  if (alpha == nullptr) return;
  *alpha = weight.flatten(0, 1).narrow(1, 0, weight.size(2) - beside).to(torch::kFloat32);
}

Tensor weigh(const Tensor& weight, const Tensor& values) {
  const std::int64_t B = weight.size(1), L = values.size(1), D = values.size(2),
                     R = weight.size(0) * B;
  if (!has_kernels(values)) return at::bmm(weight, values).view({R, D});
  return weigh_rows(weight.view({R, L}), values, photos_of(R, weight.size(0)));
}

void gate_context(Tensor& context, const Tensor& gate) {
  if (has_kernels(context)) {
    gate_rows(context.size(0), context.size(1), gate.data_ptr<float>(), gate.stride(0),
              context.data_ptr<float>());
  } else {
    context.mul_(at::sigmoid(gate));
  }
}

void advance_cell(Tensor& gates, Tensor& h, Tensor& c) {
  if (has_kernels(gates)) {
    Tensor c_out = at::empty_like(c), tanh_c = at::empty_like(c), h_out = at::empty_like(c);
    lstm_cell(gates.size(0), c.size(1), gates.data_ptr<float>(), c.data_ptr<float>(),
              c_out.data_ptr<float>(), tanh_c.data_ptr<float>(), h_out.data_ptr<float>());
    h = h_out;
    c = c_out;
    return;
  }
  lstm(gates, h, c);
}

WordLayer::WordLayer(const WordParameters& p, Precision precision,
                     const ConceptParameters& concepts)
    : concepts_(concepts) {
  Tensor bias = p.word_bias.clone();
  for (const std::int64_t special : {kPadToken, kStartToken, kUnknownToken})
    bias[special] = -std::numeric_limits<float>::infinity();
  word_ = FastLinear(p.word_weight, bias, precision);
}

Tensor WordLayer::operator()(Tensor& out, const Annotations& a) const {
  if (has_kernels(out)) {
    tanh_in_place(out.data_ptr<float>(), out.numel());
  } else {
    out.tanh_();
  }
  Tensor odds = word_(out);  // (R,V)
  if (has_kernels(odds)) return log_softmax(odds, out, a);
  // Scores are summed in float32 whatever the network's type.
  if (a.odds.defined()) {
    const std::int64_t N = a.odds.size(0), B = odds.size(0) / N;
    odds.view({N, B, -1})
        .addcmul_(concept_gate(concepts_, out).view({N, B, 1}), a.odds.unsqueeze(1));
  }
  return at::log_softmax(odds, 1, torch::kFloat32);
}

/// Overwrites `odds` (R,V).
Tensor WordLayer::log_softmax(Tensor& odds, const Tensor& out, const Annotations& a) const {
  const std::int64_t R = odds.size(0);
  Tensor gate;
  WordOdds extra;
  if (a.odds.defined()) {
    // concept_gate(), as a product with a vector: with a matrix of one column it takes 30 times as
    // long.
    gate = at::softplus(at::mv(out, concepts_.gate_weight.view({-1})) + concepts_.gate_bias);
    extra = {gate.data_ptr<float>(), a.odds.data_ptr<float>(), R / a.odds.size(0)};
  }
  log_softmax_rows(extra, R, odds.size(1), odds.data_ptr<float>());
  return odds;
}

Tensor WordLayer::plain(const Tensor& out) const {
  Tensor odds = word_(out);
  if (has_kernels(odds)) return log_softmax(odds, out, {});
  return at::log_softmax(odds, 1, torch::kFloat32);
}

}  // namespace photoscribe
