#include "models/encoder/encoder.h"

#include <ATen/ATen.h>

#include <cmath>

namespace photoscribe {
namespace {

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return at::relu(x);
    case Activation::relu6:
      return at::hardtanh(x, 0, 6);
    case Activation::silu:
      return at::silu(x);
    case Activation::sigmoid:
      return at::sigmoid(x);
  }
  return x;
}

/// After a ReLU, padding with zeros does not change a maximum.
torch::Tensor max_pool(const EncoderLayer& layer, const torch::Tensor& x) {
  if (!layer.tf_same)
    return at::max_pool2d(x, layer.kernel, layer.stride, layer.padded ? layer.kernel / 2 : 0);
  const Padding rows = padding_of(layer, x.size(2)), columns = padding_of(layer, x.size(3));
  return at::max_pool2d(
      at::constant_pad_nd(x, {columns.before, columns.after, rows.before, rows.after}),
      layer.kernel, layer.stride);
}

bool is_pointwise(const EncoderLayer& layer) {
  return layer.kernel == 1 && layer.stride == 1 && layer.groups == 1;
}

bool has_parameters(const EncoderLayer& layer) { return layer.kind == LayerKind::convolution; }

}  // namespace

std::vector<std::int64_t> weight_shape(const EncoderLayer& layer) {
  return {layer.out, layer.in / layer.groups, layer.kernel, layer.kernel};
}

Encoder::Encoder(const std::string& architecture, const TensorMap& tensors,
                 const std::string& prefix)
    : layers_(encoder_layers(architecture)) {
  for (const EncoderLayer& layer : layers_) {
    const bool some = has_parameters(layer);
    weights_.push_back(some ? take(tensors, prefix + layer.name + ".weight", weight_shape(layer))
                            : torch::Tensor());
    biases_.push_back(some ? take(tensors, prefix + layer.name + ".bias", {layer.out})
                           : torch::Tensor());
  }
}

Encoder Encoder::part(std::size_t first, std::size_t last) const {
  const auto cut = [first, last](const auto& all) {
    using Items = std::remove_cvref_t<decltype(all)>;
    return Items(all.begin() + static_cast<std::ptrdiff_t>(first),
                 all.begin() + static_cast<std::ptrdiff_t>(last));
  };
  Encoder one;
  one.layers_ = cut(layers_);
  one.weights_ = cut(weights_);
  one.biases_ = cut(biases_);
  return one;
}

Encoder Encoder::until(const std::string& name) const {
  return part(0, layers_until(layers_, name));
}

Encoder Encoder::after(const std::string& name) const {
  return part(layers_until(layers_, name), layers_.size());
}

torch::Tensor Encoder::convolve(std::size_t at, torch::Tensor x, const Product& product) const {
  const EncoderLayer& layer = layers_[at];
  if (product && is_pointwise(layer))
    return product(x.permute({0, 2, 3, 1}).flatten(0, 2), weights_[at].flatten(1), biases_[at])
        .view({x.size(0), x.size(2), x.size(3), layer.out})
        .permute({0, 3, 1, 2});
  Padding rows = padding_of(layer, x.size(2)), columns = padding_of(layer, x.size(3));
  if (rows.before != rows.after || columns.before != columns.after) {
    x = at::constant_pad_nd(x, {columns.before, columns.after, rows.before, rows.after});
    rows = columns = Padding{};
  }
  return at::conv2d(x, weights_[at], biases_[at], layer.stride, {rows.before, columns.before}, 1,
                    layer.groups);
}

torch::Tensor Encoder::forward(torch::Tensor main, const Watcher& watch,
                               const Product& product) const {
  torch::Tensor shortcut, gate;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const EncoderLayer& layer = layers_[i];
    if (layer.keeps_residual) shortcut = main;
    torch::Tensor& x = layer.lane == Lane::main       ? main
                       : layer.lane == Lane::shortcut ? shortcut
                                                      : gate;
    switch (layer.kind) {
      case LayerKind::convolution:
        x = convolve(i, x, product);
        if (layer.adds_residual) x = x + shortcut;
        x = activate(x, layer.activation);
        if (watch) watch(i, x);
        break;
      case LayerKind::max_pool:
        x = max_pool(layer, x);
        break;
      case LayerKind::mean:
        gate = main.mean({2, 3}, /*keepdim=*/true);
        break;
      case LayerKind::scale:
        main = main * gate;
        break;
    }
  }
  return main;
}

TensorMap Encoder::parameters(const std::string& prefix) const {
  TensorMap all;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (!has_parameters(layers_[i])) continue;
    all.emplace(prefix + layers_[i].name + ".weight", weights_[i]);
    all.emplace(prefix + layers_[i].name + ".bias", biases_[i]);
  }
  return all;
}

TensorMap random_encoder(const std::string& architecture) {
  TensorMap tensors;
  for (const EncoderLayer& layer : encoder_layers(architecture)) {
    if (!has_parameters(layer)) continue;
    const double fan_in =
        static_cast<double>(layer.in / layer.groups * layer.kernel * layer.kernel);
    tensors.emplace(layer.name + ".weight",
                    at::randn(weight_shape(layer)) * std::sqrt(2.0 / fan_in));
    tensors.emplace(layer.name + ".bias", at::zeros({layer.out}));
  }
  return tensors;
}

}  // namespace photoscribe
