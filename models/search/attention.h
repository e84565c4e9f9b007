// attention: where the decoder looked while it said a caption, as it travels with the caption
// (AttentionMaps). Private to models/.
//
// A search keeps what each of its steps looked at (beams.h): a reference to the weights that the
// step worked out anyway, and for each open caption in which of their rows its words were said.
//
// R rows of a step, L grid positions.
#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include "common/core/types.h"

namespace photoscribe {

/// Maps of a caption of `words` words, whose t-th was said in row `rows[t]` of step t: looks[t]
/// (R,L) float32 on the CPU, not negative; each map's largest weight becomes 255. None where there
/// are no words, or L is no square.
[[nodiscard]] std::optional<AttentionMaps> maps_of(const std::vector<torch::Tensor>& looks,
                                                   const std::int64_t* rows, std::size_t words);

}  // namespace photoscribe
