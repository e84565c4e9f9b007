#include "models/search/attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace photoscribe {
namespace {

/// cell_weights (L) of one word -> bytes, the largest 255.
void add_cells(const float* cell_weights, std::int64_t count, std::vector<std::uint8_t>& cells) {
  const float most = *std::max_element(cell_weights, cell_weights + count);
  for (std::int64_t k = 0; k < count; ++k) {
    const float share = most > 0 ? cell_weights[k] / most : 0;
    cells.push_back(static_cast<std::uint8_t>(std::lround(share * 255)));
  }
}

}  // namespace

std::optional<AttentionMaps> attention_maps(const std::vector<torch::Tensor>& weights,
                                            const std::int64_t* rows, std::size_t words) {
  if (words == 0) return std::nullopt;
  const std::int64_t L = weights.front().size(1);
  AttentionMaps maps;
  maps.width = maps.height = static_cast<int>(std::lround(std::sqrt(static_cast<double>(L))));
  if (std::int64_t{maps.width} * maps.height != L) return std::nullopt;
  for (std::size_t t = 0; t < words; ++t)
    add_cells(weights[t].data_ptr<float>() + rows[t] * weights[t].stride(0), L, maps.cells);
  return fits(maps, static_cast<int>(words)) ? std::optional(std::move(maps)) : std::nullopt;
}

}  // namespace photoscribe
