// depthwise: what stands between the two products of an EfficientNet's inverted bottleneck on a CPU
// with bfloat16: silu, a depthwise convolution, its activation and the mean for the gate in one
// pass over a photo's map, and the gate's product with it. Private to models/.
//
// oneDNN 2.6 takes a primitive for each, silu fused into one is slower than all of them together,
// and each widens its numbers anew. Here a row of the map is widened once, into rows of float32
// that stay in the cache until the last row of results that needs them.
#pragma once

#include <cstdint>
#include <vector>

#include "models/encoder/encoder_layers.h"

namespace photoscribe {

/// A depthwise convolution as oneDNN would have it, of maps of bfloat16 by their bits, channels
/// last. Sums, weights and activations are float32, and rounded once.
class Depthwise {
 public:
  /// Whether this CPU and these loops can do `layer`: its kernel, its stride and its activation.
  [[nodiscard]] static bool supports(const EncoderLayer& layer);

  /// Requires supports(). Maps are side x side. weight (channels,kernel,kernel), bias (channels)
  /// are copied. `before`: what is done to the map first, none or silu.
  Depthwise(const EncoderLayer& layer, std::int64_t side, Activation before, const float* weight,
            const float* bias);

  /// One photo's map (side,side,C) -> (out,out,C), and the mean of each channel of it, where `mean`
  /// (C) is not null. Any thread, many at once.
  void run(const std::uint16_t* from, std::uint16_t* to, std::uint16_t* mean) const;

  [[nodiscard]] std::int64_t side() const noexcept { return side_; }
  [[nodiscard]] Activation before() const noexcept { return before_; }

 private:
  std::int64_t side_, out_, channels_, padded_;  // padded_: channels up to whole vectors
  std::int64_t kernel_, stride_, zeros_;         // zeros_: in front of an axis
  std::int64_t columns_, band_;                  // columns_: of a widened row, zeros included
  Activation before_, after_;
  std::vector<float> weight_, bias_;  // (padded / 16,kernel,kernel,16), (padded)
};

/// x[p,c] *= gate[c] for `positions` positions of `channels` channels, bfloat16s by their bits,
/// rounded to the nearest. Requires a CPU on which Depthwise works.
void scale_channels(std::uint16_t* x, const std::uint16_t* gate, std::int64_t positions,
                    std::int64_t channels);

}  // namespace photoscribe
