// attention: what the decoder attended to for each word of a caption, as it is stored with the
// caption (AttentionMaps). Private to models/.
//
// A search keeps the attention of each of its steps (beams.h): a reference to the weights that the
// step computed anyway, and for each open caption which of their rows its words came from.
//
// R rows of a step, L grid positions.
#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include "common/core/types.h"

namespace photoscribe {

/// Maps of a caption of `words` words, the t-th of which came from row `rows[t]` of step t:
/// weights[t] (R,L) float32 on the CPU, not negative; each map's largest weight becomes 255. None
/// where there are no words, or L is not a square number.
[[nodiscard]] std::optional<AttentionMaps> attention_maps(const std::vector<torch::Tensor>& weights,
                                                          const std::int64_t* rows,
                                                          std::size_t words);

}  // namespace photoscribe
