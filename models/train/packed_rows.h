// packed_rows: parts of packed arrays, for the sequences with a gradient of their own. Private to
// models/train. The letters are those of sequence.h.
#pragma once

#include <torch/types.h>

#include "models/train/sequence.h"

namespace photoscribe {

[[nodiscard]] inline torch::Tensor rows(const torch::Tensor& packed, std::int64_t first,
                                        std::int64_t count) {
  return packed.narrow(0, first, count);
}

/// Row r of step t reads the state behind step t-1, which is that step's row r (t = 0: start's).
[[nodiscard]] torch::Tensor previous(const torch::Tensor& packed, const torch::Tensor& start,
                                     const Packing& packing, std::size_t t);

/// previous() of all steps: (S,X).
[[nodiscard]] torch::Tensor all_previous(const torch::Tensor& packed, const torch::Tensor& start,
                                         const Packing& packing);

/// (S,X) packed -> (N,T,X) with zeros behind each row's end.
[[nodiscard]] torch::Tensor pad(const torch::Tensor& packed, const Packing& packing);

/// The packing whose steps have these rows.
[[nodiscard]] Packing pack_counts(std::vector<std::int64_t> counts);

}  // namespace photoscribe
