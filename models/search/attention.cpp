#include "models/search/attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "models/decoder/step_network.h"
#include "models/format/vocabulary.h"

namespace photoscribe {
namespace {

using torch::Tensor;

/// The words before each word (N,T), the start first, filled up with ends.
Tensor inputs_of(const std::vector<std::vector<std::int64_t>>& captions, std::int64_t words_max) {
  Tensor inputs = at::full({static_cast<std::int64_t>(captions.size()), words_max}, kEndToken,
                           torch::dtype(torch::kInt64));
  auto* row = inputs.data_ptr<std::int64_t>();
  for (const auto& words : captions) {
    row[0] = kStartToken;
    for (std::size_t t = 1; t < words.size(); ++t) row[t] = words[t - 1];
    row += words_max;
  }
  return inputs;
}

std::int64_t longest(const std::vector<std::vector<std::int64_t>>& captions) {
  std::size_t most = 0;
  for (const auto& words : captions) most = std::max(most, words.size());
  return static_cast<std::int64_t>(most);
}

/// weights (L) of one word -> bytes, the largest 255.
void add_cells(const float* weights, std::int64_t count, std::vector<std::uint8_t>& cells) {
  const float most = *std::max_element(weights, weights + count);
  for (std::int64_t k = 0; k < count; ++k) {
    const float share = most > 0 ? weights[k] / most : 0;
    cells.push_back(static_cast<std::uint8_t>(std::lround(share * 255)));
  }
}

}  // namespace

Tensor trace_attention(const DecoderParameters& parameters, const Tensor& features,
                       const std::vector<std::vector<std::int64_t>>& captions) {
  const torch::NoGradGuard no_grad;
  const std::int64_t T = longest(captions);
  if (T == 0) return {};
  const Annotations a = annotate(parameters, features);
  const Tensor inputs = inputs_of(captions, T).to(features.device());
  const std::int64_t side = std::visit([](const auto& p) { return p.grid_side; }, parameters);
  const std::int64_t L = side > 0 ? side * side : features.size(1);
  Tensor h = a.h, c = a.c;
  std::vector<Tensor> words;
  for (std::int64_t t = 0; t < T; ++t) {
    Tensor alpha;
    (void)reference_step(parameters, a, inputs.select(1, t), h, c, &alpha);
    if (!alpha.defined() || alpha.size(1) < L) return {};
    const Tensor grid = alpha.narrow(1, 0, L).to(torch::kFloat32);  // (N,L)
    words.push_back(grid / grid.sum(1, true).clamp_min(1e-20));
  }
  return at::stack(words).cpu().contiguous();
}

AttentionTracer::AttentionTracer(std::vector<DecoderParameters> members)
    : members_(std::move(members)) {}

std::vector<std::optional<AttentionMaps>> AttentionTracer::trace(
    const Tensor& features, const std::vector<std::vector<std::int64_t>>& captions) const {
  std::vector<std::optional<AttentionMaps>> all(captions.size());
  Tensor sum;  // (T,N,L)
  std::int64_t at = 0;
  for (const DecoderParameters& member : members_) {
    const std::int64_t C = feature_channels_of(member);
    const Tensor one = trace_attention(member, features.narrow(2, at, C).contiguous(), captions);
    at += C;
    if (!one.defined()) continue;
    if (!sum.defined()) {
      sum = one;
    } else if (one.sizes() == sum.sizes()) {
      sum = sum + one;
    }
  }
  if (!sum.defined()) return all;
  const std::int64_t N = sum.size(1), L = sum.size(2);
  const auto side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(L))));
  if (std::int64_t{side} * side != L) return all;
  for (std::int64_t i = 0; i < N; ++i) {
    const auto& words = captions[static_cast<std::size_t>(i)];
    AttentionMaps maps;
    maps.width = maps.height = side;
    for (std::size_t t = 0; t < words.size(); ++t)
      add_cells(sum.data_ptr<float>() + (static_cast<std::int64_t>(t) * N + i) * L, L, maps.cells);
    if (fits(maps, static_cast<int>(words.size())))
      all[static_cast<std::size_t>(i)] = std::move(maps);
  }
  return all;
}

}  // namespace photoscribe
