// fast_encoder: the encoder for captioning. Private to models/.
//
// On a CPU with oneDNN every convolution is one oneDNN primitive with its clamp and residual sum
// fused into it, or a loop of ours (layer_loops.h), weights in the layout that suits the processor
// best, activations in buffers that are reused: nothing is allocated between photos. Elsewhere
// (GPUs, builds without oneDNN) it is the plain encoder, channels last.
//
// N photos, S side in pixels, L grid positions, C channels.
#pragma once

#include <torch/types.h>

#include <memory>

#include "models/encoder/encoder.h"
#include "models/format/int8_scales.h"
#include "models/format/precision.h"

namespace photoscribe {

class FastEncoder {
 public:
  /// For square photos of side_px. `encoder`'s parameters decide device and type; it need not
  /// outlive this. `precision` (not automatic) applies when oneDNN does the work; int8 needs
  /// `scales` if the layers have fixed ones (have_fixed_scales). Throws std::runtime_error if it
  /// lacks one, and as check_int8().
  FastEncoder(const Encoder& encoder, std::int64_t side_px,
              Precision precision = Precision::float32, const Int8Scales& scales = {});
  FastEncoder(FastEncoder&&) noexcept;
  FastEncoder& operator=(FastEncoder&&) noexcept;
  ~FastEncoder();

  /// (N,S,S,3) normalised RGB, contiguous -> (N,L,C). Not differentiable.
  [[nodiscard]] torch::Tensor forward(const torch::Tensor& images) const;

  /// "oneDNN", "oneDNN bfloat16", "oneDNN int8" or "LibTorch": what runs it, for logs and benches.
  [[nodiscard]] const char* backend() const noexcept;

 private:
  class Plans;
  Encoder encoder_;
  std::unique_ptr<Plans> plans_;  // null: LibTorch does it
};

}  // namespace photoscribe
