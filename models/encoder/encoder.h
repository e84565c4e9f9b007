// encoder: the convolutional trunk that turns a photo into a grid of features. Private to models/.
//
// This is the plain form, which can be trained; fast_encoder.h is the form that captions. It
// computes the list of layers in encoder_layers.h; batch norm is folded into its parameters.
//
// N photos, C channels, S side in pixels, G grid side (S / 32).
#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

#include "models/encoder/encoder_layers.h"
#include "models/format/tensors.h"

namespace photoscribe {

class Encoder {
 public:
  /// Takes its parameters out of `tensors` (torchvision's names, perhaps after `prefix`). Throws
  /// std::runtime_error naming what is missing or has another shape.
  Encoder(const std::string& architecture, const TensorMap& tensors,
          const std::string& prefix = "");

  /// The part up to the end of the block `name`, and the part after it, which takes the first's
  /// output (N,C',G',G'). They share this one's parameters. Throws as layers_until().
  [[nodiscard]] Encoder until(const std::string& name) const;
  [[nodiscard]] Encoder after(const std::string& name) const;

  /// Gets the output of each convolution, after its residual sum and its activation.
  using Watcher = std::function<void(std::size_t layer, const torch::Tensor& map)>;
  /// (R,in) x (out,in), plus (out) -> (R,out): a convolution that looks at one position alone.
  using Product = std::function<torch::Tensor(
      const torch::Tensor& rows, const torch::Tensor& weight, const torch::Tensor& bias)>;
  /// (N,3,S,S) normalised RGB -> (N,C,G,G). Differentiable if `product` is, which computes the
  /// pointwise convolutions; none: LibTorch does.
  [[nodiscard]] torch::Tensor forward(torch::Tensor images, const Watcher& watch = {},
                                      const Product& product = {}) const;

  /// Names with `prefix` -> the live parameters.
  [[nodiscard]] TensorMap parameters(const std::string& prefix = "") const;
  [[nodiscard]] const std::vector<EncoderLayer>& layers() const noexcept { return layers_; }
  /// Of a convolution; undefined for other layers.
  [[nodiscard]] const torch::Tensor& weight(std::size_t layer) const { return weights_.at(layer); }
  [[nodiscard]] const torch::Tensor& bias(std::size_t layer) const { return biases_.at(layer); }

 private:
  Encoder() = default;
  [[nodiscard]] Encoder part(std::size_t first, std::size_t last) const;
  [[nodiscard]] torch::Tensor convolve(std::size_t layer, torch::Tensor x,
                                       const Product& product) const;

  std::vector<EncoderLayer> layers_;
  std::vector<torch::Tensor> weights_, biases_;
};

/// The shape of a convolution's weight.
[[nodiscard]] std::vector<std::int64_t> weight_shape(const EncoderLayer& layer);

/// Random parameters with the scale of He et al. 2015 for `architecture`, from LibTorch's default
/// generator: for tests and `photoscribe-train init`.
[[nodiscard]] TensorMap random_encoder(const std::string& architecture);

}  // namespace photoscribe
