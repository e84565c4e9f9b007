// fast_linear: a linear layer with constant weights. Private to models/.
//
// On a CPU with oneDNN the weight is kept in the layout that the processor multiplies from, instead
// of being packed again for every product: measured on one core, 48 rows, 640 x 3328: 159 GFLOP/s
// against OpenBLAS's 79; 3 rows: 119 against 11. Elsewhere it is LibTorch's addmm.
#pragma once

#include <torch/types.h>

#include <memory>

#include "models/format/precision.h"

namespace photoscribe {

class FastLinear {
 public:
  FastLinear();
  /// y = x weight^T + bias: weight (N,K), bias (N) or undefined. `precision` (not automatic) is
  /// that of the product if the weight is float32 on a CPU with oneDNN.
  FastLinear(const torch::Tensor& weight, const torch::Tensor& bias, Precision precision);
  FastLinear(FastLinear&&) noexcept;
  FastLinear& operator=(FastLinear&&) noexcept;
  ~FastLinear();

  /// x (M,K) contiguous -> (M,N). One thread at a time.
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const;
  /// y (M,N) contiguous += x weight^T; only of a layer without a bias.
  void add_to(torch::Tensor& y, const torch::Tensor& x) const;

 private:
  class Plans;
  torch::Tensor weight_t_, bias_;  // (K,N) (N); with plans, only for their shapes
  std::unique_ptr<Plans> plans_;   // null: LibTorch is used
};

}  // namespace photoscribe
