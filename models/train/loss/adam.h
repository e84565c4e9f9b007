// adam: the optimiser, one pass over each parameter. Private to models/train.
//
// Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019 (AdamW), with the global
// gradient norm clipped (Pascanu et al., ICML 2013). Written by hand because LibTorch's takes ten
// passes over memory where one is enough, a quarter of a step on a CPU.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "models/format/tensors.h"

namespace photoscribe {

struct AdamSettings {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;  // of matrices; vectors do not decay
  double clip_norm = 5;     // of all gradients together; 0: not clipped
  std::string slow;         // parameters whose names start with this …
  double slow_share = 1;    // … move at this share of the rate
};

class Adam {
 public:
  /// `parameters` are leaves on the CPU that require gradients.
  Adam(TensorMap parameters, const AdamSettings& settings);

  /// One update at `rate` from the gradients, which are cleared. Returns the norm before clipping;
  /// when that is not finite, nothing is updated.
  double step(double rate);

  [[nodiscard]] std::int64_t steps() const noexcept { return steps_; }
  /// Its state, "adam.m.…", "adam.v.…" and "adam.t", for a checkpoint.
  [[nodiscard]] TensorMap state() const;
  /// Restores it. Throws std::runtime_error when it does not fit.
  void restore(const TensorMap& state);

 private:
  TensorMap parameters_, first_, second_;
  AdamSettings settings_;
  std::int64_t steps_ = 0;
};

}  // namespace photoscribe
