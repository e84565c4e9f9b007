// attention: where the decoder looked while it said a caption, found by saying that caption once
// more. Private to models/. The search itself keeps no weights, so who does not ask pays nothing.
//
// N photos, L grid positions, C feature channels, T words of the longest caption.
#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include "common/core/types.h"
#include "models/decoder/decoder.h"

namespace photoscribe {

/// The share of each word's attention that each position of the grid has (T,N,L) float32 on the
/// CPU, adding up to 1; what goes to concepts beside the grid is left out. Of features (N,L',C) on
/// the parameters' device and in their type; behind a caption's end the weights mean nothing.
/// Undefined: the decoder has no attention, or there are no words.
[[nodiscard]] torch::Tensor trace_attention(const DecoderParameters& parameters,
                                            const torch::Tensor& features,
                                            const std::vector<std::vector<std::int64_t>>& captions);

/// Of a model, or of several that speak together: the mean of the members' weights, as far as their
/// grids are alike (the first member's). `features`: side by side along C.
class AttentionTracer {
 public:
  explicit AttentionTracer(std::vector<DecoderParameters> members);

  /// Maps of each caption; none where it has no words or the decoders have no square grid to attend
  /// to.
  [[nodiscard]] std::vector<std::optional<AttentionMaps>> trace(
      const torch::Tensor& features, const std::vector<std::vector<std::int64_t>>& captions) const;

 private:
  std::vector<DecoderParameters> members_;
};

}  // namespace photoscribe
