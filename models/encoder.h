// encoder: the convolutional trunk that turns a photo into a grid of features. Private to models/.
//
// Batch norm is folded into weights and biases, so every layer is a convolution with a bias, and a
// state dict of torchvision's names fits after folding. This is the plain form, which can be
// trained; fast_encoder.h is the form that captions.
//
// N photos, C channels, S side in pixels, G grid side (S / 32).
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "models/tensors.h"

namespace photoscribe {

struct ConvLayer {
  std::string name;  // torchvision's, without ".weight" and ".bias"
  std::int64_t in = 0, out = 0;
  std::int64_t kernel = 1, stride = 1, groups = 1;
  bool relu6 = false;           // clamped to [0, 6] behind the bias
  bool keeps_residual = false;  // its input is added to the output of the block …
  bool adds_residual = false;   // … that ends here
};

/// The convolutions of `architecture` in order. Throws std::runtime_error for one that is unknown.
/// mobilenet_v2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR
/// 2018, table 2, up to the last 1x1 convolution (1,280 channels).
[[nodiscard]] std::vector<ConvLayer> encoder_layers(const std::string& architecture);

class Encoder {
 public:
  /// Takes its parameters out of `tensors` (names as torchvision's, perhaps behind `prefix`).
  /// Throws std::runtime_error naming what is missing or has another shape.
  Encoder(const std::string& architecture, const TensorMap& tensors,
          const std::string& prefix = "");

  /// (N,3,S,S) normalised RGB -> (N,C,G,G). Differentiable.
  [[nodiscard]] torch::Tensor forward(torch::Tensor images) const;

  /// Names with `prefix` -> the live parameters.
  [[nodiscard]] TensorMap parameters(const std::string& prefix = "") const;
  [[nodiscard]] const std::vector<ConvLayer>& layers() const noexcept { return layers_; }
  [[nodiscard]] const torch::Tensor& weight(std::size_t layer) const { return weights_.at(layer); }
  [[nodiscard]] const torch::Tensor& bias(std::size_t layer) const { return biases_.at(layer); }

 private:
  std::vector<ConvLayer> layers_;
  std::vector<torch::Tensor> weights_, biases_;
};

/// Random parameters of He et al. 2015's scale for `architecture`, from LibTorch's default
/// generator: for tests and `photoscribe-train init`.
[[nodiscard]] TensorMap random_encoder(const std::string& architecture);

}  // namespace photoscribe
