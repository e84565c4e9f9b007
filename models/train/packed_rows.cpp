#include "models/train/packed_rows.h"

#include <ATen/ATen.h>

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
