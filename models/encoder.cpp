#include "models/encoder.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <stdexcept>

namespace photoscribe {
namespace {

struct Stage {
  std::int64_t expansion, channels, blocks, stride;
};

// One inverted residual block: expand 1x1, depthwise 3x3, project 1x1 without an activation.
void add_block(std::vector<ConvLayer>& layers, const std::string& name, std::int64_t in,
               std::int64_t out, std::int64_t expansion, std::int64_t stride) {
  const std::int64_t wide = in * expansion;
  const bool residual = stride == 1 && in == out;
  int part = 0;
  const std::string conv = name + ".conv.";
  if (expansion != 1) {
    layers.push_back({conv + "0.0", in, wide, 1, 1, 1, true, residual, false});
    part = 1;
  }
  layers.push_back({conv + std::to_string(part) + ".0", wide, wide, 3, stride, wide, true,
                    residual && expansion == 1, false});
  layers.push_back({conv + std::to_string(part + 1), wide, out, 1, 1, 1, false, false, residual});
}

std::vector<ConvLayer> mobilenet_v2() {
  constexpr std::array<Stage, 7> kStages{{{1, 16, 1, 1},
                                          {6, 24, 2, 2},
                                          {6, 32, 3, 2},
                                          {6, 64, 4, 2},
                                          {6, 96, 3, 1},
                                          {6, 160, 3, 2},
                                          {6, 320, 1, 1}}};
  std::vector<ConvLayer> layers{{"features.0.0", 3, 32, 3, 2, 1, true, false, false}};
  std::int64_t in = 32;
  int number = 1;
  for (const Stage& stage : kStages) {
    for (std::int64_t block = 0; block < stage.blocks; ++block) {
      add_block(layers, "features." + std::to_string(number++), in, stage.channels, stage.expansion,
                block == 0 ? stage.stride : 1);
      in = stage.channels;
    }
  }
  layers.push_back({"features.18.0", in, 1280, 1, 1, 1, true, false, false});
  return layers;
}

std::array<std::int64_t, 4> weight_shape(const ConvLayer& layer) {
  return {layer.out, layer.in / layer.groups, layer.kernel, layer.kernel};
}

}  // namespace

std::vector<ConvLayer> encoder_layers(const std::string& architecture) {
  if (architecture == "mobilenet_v2") return mobilenet_v2();
  throw std::runtime_error("encoder '" + architecture + "' is not known; mobilenet_v2 is");
}

Encoder::Encoder(const std::string& architecture, const TensorMap& tensors,
                 const std::string& prefix)
    : layers_(encoder_layers(architecture)) {
  for (const ConvLayer& layer : layers_) {
    weights_.push_back(take(tensors, prefix + layer.name + ".weight", weight_shape(layer)));
    biases_.push_back(take(tensors, prefix + layer.name + ".bias", {layer.out}));
  }
}

torch::Tensor Encoder::forward(torch::Tensor x) const {
  torch::Tensor kept;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const ConvLayer& layer = layers_[i];
    if (layer.keeps_residual) kept = x;
    x = at::conv2d(x, weights_[i], biases_[i], layer.stride, layer.kernel / 2, 1, layer.groups);
    if (layer.relu6) x = at::hardtanh(x, 0, 6);
    if (layer.adds_residual) x = x + kept;
  }
  return x;
}

TensorMap Encoder::parameters(const std::string& prefix) const {
  TensorMap all;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    all.emplace(prefix + layers_[i].name + ".weight", weights_[i]);
    all.emplace(prefix + layers_[i].name + ".bias", biases_[i]);
  }
  return all;
}

TensorMap random_encoder(const std::string& architecture) {
  TensorMap tensors;
  for (const ConvLayer& layer : encoder_layers(architecture)) {
    const double fan_in =
        static_cast<double>(layer.in / layer.groups * layer.kernel * layer.kernel);
    tensors.emplace(layer.name + ".weight",
                    at::randn(weight_shape(layer)) * std::sqrt(2.0 / fan_in));
    tensors.emplace(layer.name + ".bias", at::zeros({layer.out}));
  }
  return tensors;
}

}  // namespace photoscribe
