// depthwise: what lies between the two matrix products of an EfficientNet's inverted bottleneck on
// a CPU with bfloat16: silu, a depthwise convolution, its activation and the mean for the gate in
// one pass over a photo's map, and the product with the gate. Private to models/.
//
// oneDNN 2.6 needs a primitive for each, silu fused into one is slower than all of them together,
// and each widens its numbers again. Here a row of the map is widened once, to float32, and stays
// in the cache until the last row of results that needs it.
#pragma once

#include <cstdint>
#include <vector>

#include "models/encoder/encoder_layers.h"

namespace photoscribe {

class Pointwise;

/// A depthwise convolution as oneDNN would compute it, on maps of bfloat16 given as their bits,
/// channels last. Sums, weights and activations are float32, and rounded once.
class Depthwise {
 public:
  /// Whether this CPU and these loops support `layer`: its kernel, its stride and its activation.
  [[nodiscard]] static bool supports(const EncoderLayer& layer);

  /// Requires supports(). Maps are side x side. weight (channels,kernel,kernel), bias (channels)
  /// are copied. `before`: the activation of the input, none or silu.
  Depthwise(const EncoderLayer& layer, std::int64_t side, Activation before, const float* weight,
            const float* bias);

  /// One photo's map (side,side,C) -> (out,out,C), and the mean of each channel of it, where `mean`
  /// (C) is not null. Any thread, many at once.
  void run(const std::uint16_t* from, std::uint16_t* to, std::uint16_t* mean) const;
  /// The same of what `expand`, which has this one's channels, makes of a photo's map
  /// (side,side,expand.in()); that is not stored. `before` has no say.
  void run(const Pointwise& expand, const std::uint16_t* from, std::uint16_t* to,
           std::uint16_t* mean) const;

 private:
  struct Ring;
  template <class Fill>
  void run_rows(const Fill& fill, std::uint16_t* to, std::uint16_t* mean) const;

  std::int64_t side_, out_, channels_, padded_;  // padded_: channels rounded up to whole vectors
  std::int64_t kernel_, stride_, zeros_;         // zeros_: before an axis
  std::int64_t columns_, band_;                  // columns_: of a widened row, padding included
  Activation before_, after_;
  std::vector<float> weight_, bias_;  // (padded / 16,kernel,kernel,16), (padded)
};

/// x[p,c] *= gate[c] for `positions` positions of `channels` channels, bfloat16s as their bits,
/// rounded to nearest. Requires a CPU that Depthwise supports.
void scale_channels(std::uint16_t* x, const std::uint16_t* gate, std::int64_t positions,
                    std::int64_t channels);

}  // namespace photoscribe
