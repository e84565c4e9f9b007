// calibration: the scales of an 8-bit encoder, found from photos. Private to models/.
//
// Values beyond the end of a scale are clipped, and a finer scale clips more. Each map gets the
// scale with the least squared error over all its numbers, rounding and clipping together (Sung et
// al. 2015; Migacz 2017 minimises a divergence instead), found on a histogram: the same photos in
// the same order give the same bits.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "models/encoder/encoder.h"
#include "models/encoder/int8_layers.h"

namespace photoscribe {

/// How often magnitudes occur. Its range doubles when larger ones arrive.
class MagnitudeHistogram {
 public:
  MagnitudeHistogram();
  void add(const float* numbers, std::int64_t count);
  /// The best step size with `steps` steps from 0 to the end; 1 if all numbers are 0.
  [[nodiscard]] float best_step(int steps) const;

 private:
  void widen(float largest);
  std::vector<std::int64_t> counts_;
  float top_ = 0;  // the end of the last bin: a power of two; 0: only zeros were added
  float largest_ = 0;
};

class Calibration {
 public:
  /// Throws std::runtime_error if the encoder has no fixed scales (have_fixed_scales).
  explicit Calibration(Encoder encoder);
  /// (N,S,S,3) normalised RGB.
  void observe(const torch::Tensor& images);
  [[nodiscard]] Int8Scales scales() const;

 private:
  Encoder encoder_;
  MagnitudeHistogram photos_;
  std::vector<MagnitudeHistogram> layers_;  // by layer; of convolutions
};

}  // namespace photoscribe
