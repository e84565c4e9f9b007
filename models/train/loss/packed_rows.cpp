#include "models/train/loss/packed_rows.h"

#include <ATen/ATen.h>

#include "models/decoder/kernels.h"

namespace photoscribe {

torch::Tensor previous(const torch::Tensor& packed, const torch::Tensor& start,
                       const Packing& packing, std::size_t t) {
  const std::int64_t count = packing.counts[t];
  return t == 0 ? rows(start, 0, count) : rows(packed, packing.offsets[t - 1], count);
}

torch::Tensor all_previous(const torch::Tensor& packed, const torch::Tensor& start,
                           const Packing& packing) {
  std::vector<torch::Tensor> parts;
  for (std::size_t t = 0; t < packing.counts.size(); ++t)
    parts.push_back(previous(packed, start, packing, t));
  return at::cat(parts);
}

torch::Tensor pad(const torch::Tensor& packed, const Packing& packing) {
  const auto steps = static_cast<std::int64_t>(packing.counts.size());
  torch::Tensor padded = at::zeros({packing.counts[0], steps, packed.size(1)});
  for (std::int64_t t = 0; t < steps; ++t) {
    const auto at = static_cast<std::size_t>(t);
    padded.narrow(0, 0, packing.counts[at])
        .select(1, t)
        .copy_(rows(packed, packing.offsets[at], packing.counts[at]));
  }
  return padded;
}

void attend_step(const AttentionTrace& trace, const torch::Tensor& keys,
                 const torch::Tensor& values, const torch::Tensor& score,
                 const torch::Tensor& query, std::int64_t at) {
  const std::int64_t count = query.size(0), L = keys.size(1), A = keys.size(2);
  const AttentionStep attention{count,
                                L,
                                A,
                                keys.data_ptr<float>(),
                                nullptr,
                                query.data_ptr<float>(),
                                query.size(1),
                                score.data_ptr<float>()};
  torch::Tensor weight = rows(trace.alpha, at, count);
  attention_scores(attention, trace.t.data_ptr<float>() + at * L * A, weight.data_ptr<float>());
  at::_softmax_out(weight, weight.clone(), 1, false);
  torch::Tensor context = rows(trace.context, at, count).unsqueeze(1);
  at::bmm_out(context, weight.unsqueeze(1), rows(values, 0, count));
}

void attend_step_backward(const AttentionTrace& trace, const torch::Tensor& values,
                          const torch::Tensor& score, const torch::Tensor& d_context,
                          const torch::Tensor& d_alpha, std::int64_t at,
                          const torch::Tensor& d_score, const torch::Tensor& d_query,
                          torch::Tensor& d_keys) {
  const std::int64_t count = d_context.size(0), L = d_keys.size(1), A = d_keys.size(2);
  const torch::Tensor weight = rows(trace.alpha, at, count);
  const torch::Tensor d_weight =
      at::bmm(rows(values, 0, count), d_context.unsqueeze(2)).squeeze(2) + rows(d_alpha, at, count);
  torch::Tensor d_score_step = rows(d_score, at, count);
  at::mul_out(d_score_step, weight, d_weight - (d_weight * weight).sum(1, /*keepdim=*/true));
  const AttentionStep attention{count, L, A, nullptr, nullptr, nullptr, 0, score.data_ptr<float>()};
  attention_scores_backward(attention, trace.t.data_ptr<float>() + at * L * A,
                            d_score_step.data_ptr<float>(), d_keys.data_ptr<float>(),
                            d_query.data_ptr<float>(), d_query.stride(0));
}

Packing pack_counts(std::vector<std::int64_t> counts) {
  Packing packing;
  packing.counts = std::move(counts);
  for (const std::int64_t count : packing.counts) {
    packing.offsets.push_back(packing.total);
    packing.total += count;
  }
  return packing;
}

}  // namespace photoscribe
