#include "models/encoder/encoder_layers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace photoscribe {
namespace {

using Layers = std::vector<EncoderLayer>;

/// What the convolutions of a block have in common.
struct Shape {
  std::int64_t in = 0, out = 0, kernel = 1, stride = 1, groups = 1;
};

EncoderLayer& convolve(Layers& layers, std::string name, std::string norm, const Shape& shape,
                       Activation activation) {
  EncoderLayer layer;
  layer.name = std::move(name);
  layer.norm = std::move(norm);
  layer.in = shape.in;
  layer.out = shape.out;
  layer.kernel = shape.kernel;
  layer.stride = shape.stride;
  layer.groups = shape.groups;
  layer.activation = activation;
  return layers.emplace_back(std::move(layer));
}

void pool(Layers& layers, std::int64_t channels, std::int64_t kernel, bool padded) {
  EncoderLayer layer;
  layer.kind = LayerKind::max_pool;
  layer.in = layer.out = channels;
  layer.kernel = kernel;
  layer.stride = 2;
  layer.padded = padded;
  layers.push_back(std::move(layer));
}

// One inverted residual block: expand 1x1, depthwise 3x3, project 1x1 without an activation.
void mobilenet_block(Layers& layers, const std::string& name, const Shape& shape,
                     std::int64_t expansion) {
  const std::int64_t wide = shape.in * expansion;
  const bool residual = shape.stride == 1 && shape.in == shape.out;
  const std::string conv = name + ".conv.";
  const std::size_t first = layers.size();
  int part = 0;
  if (expansion != 1) {
    convolve(layers, conv + "0.0", conv + "0.1", {shape.in, wide}, Activation::relu6);
    part = 1;
  }
  const std::string depthwise = conv + std::to_string(part);
  convolve(layers, depthwise + ".0", depthwise + ".1", {wide, wide, 3, shape.stride, wide},
           Activation::relu6);
  convolve(layers, conv + std::to_string(part + 1), conv + std::to_string(part + 2),
           {wide, shape.out}, Activation::none)
      .adds_residual = residual;
  layers[first].keeps_residual = residual;
}

Layers mobilenet_v2() {
  struct Stage {
    std::int64_t expansion, channels, blocks, stride;
  };
  constexpr std::array<Stage, 7> kStages{{{1, 16, 1, 1},
                                          {6, 24, 2, 2},
                                          {6, 32, 3, 2},
                                          {6, 64, 4, 2},
                                          {6, 96, 3, 1},
                                          {6, 160, 3, 2},
                                          {6, 320, 1, 1}}};
  Layers layers;
  convolve(layers, "features.0.0", "features.0.1", {3, 32, 3, 2}, Activation::relu6);
  std::int64_t in = 32;
  int number = 1;
  for (const Stage& stage : kStages) {
    for (std::int64_t block = 0; block < stage.blocks; ++block) {
      mobilenet_block(layers, "features." + std::to_string(number++),
                      {in, stage.channels, 3, block == 0 ? stage.stride : 1}, stage.expansion);
      in = stage.channels;
    }
  }
  convolve(layers, "features.18.0", "features.18.1", {in, 1280}, Activation::relu6);
  return layers;
}

// One MBConv block: expand, depthwise, squeeze and excitation, project.
void efficientnet_block(Layers& layers, const std::string& name, const Shape& shape,
                        std::int64_t expansion) {
  const std::int64_t wide = shape.in * expansion, narrow = std::max<std::int64_t>(1, shape.in / 4);
  const bool residual = shape.stride == 1 && shape.in == shape.out;
  const std::size_t first = layers.size();
  int part = 0;
  const auto next = [&] { return name + ".block." + std::to_string(part++); };
  if (expansion != 1) {
    const std::string expand = next();
    convolve(layers, expand + ".0", expand + ".1", {shape.in, wide}, Activation::silu);
  }
  const std::string depthwise = next();
  convolve(layers, depthwise + ".0", depthwise + ".1",
           {wide, wide, shape.kernel, shape.stride, wide}, Activation::silu);
  const std::string squeeze = next();
  layers.emplace_back().kind = LayerKind::mean;
  layers.back().in = layers.back().out = wide;
  convolve(layers, squeeze + ".fc1", "", {wide, narrow}, Activation::silu).lane = Lane::gate;
  convolve(layers, squeeze + ".fc2", "", {narrow, wide}, Activation::sigmoid).lane = Lane::gate;
  layers.emplace_back().kind = LayerKind::scale;
  layers.back().in = layers.back().out = wide;
  const std::string project = next();
  convolve(layers, project + ".0", project + ".1", {wide, shape.out}, Activation::none)
      .adds_residual = residual;
  layers[first].keeps_residual = residual;
}

/// One fused MBConv block: a whole 3x3 convolution expands, a 1x1 one projects.
void fused_block(Layers& layers, const std::string& name, const Shape& shape,
                 std::int64_t expansion) {
  const std::int64_t wide = shape.in * expansion;
  const bool residual = shape.stride == 1 && shape.in == shape.out;
  const std::string block = name + ".block.";
  convolve(layers, block + "0.0", block + "0.1", {shape.in, wide, shape.kernel, shape.stride},
           Activation::silu)
      .keeps_residual = residual;
  convolve(layers, block + "1.0", block + "1.1", {wide, shape.out}, Activation::none)
      .adds_residual = residual;
}

Layers efficientnetv2_b0() {
  struct Stage {
    std::int64_t expansion, stride, channels, blocks;
    bool fused;
  };
  constexpr std::array<Stage, 5> kStages{{{4, 2, 32, 2, true},
                                          {4, 2, 48, 2, true},
                                          {4, 2, 96, 3, false},
                                          {6, 1, 112, 5, false},
                                          {6, 2, 192, 8, false}}};
  Layers layers;
  convolve(layers, "features.0.0", "features.0.1", {3, 32, 3, 2}, Activation::silu);
  // A fused block that does not expand is one convolution.
  convolve(layers, "features.1.0.block.0.0", "features.1.0.block.0.1", {32, 16, 3},
           Activation::silu);
  std::int64_t in = 16;
  for (std::size_t s = 0; s < kStages.size(); ++s) {
    const Stage& stage = kStages[s];
    for (std::int64_t block = 0; block < stage.blocks; ++block) {
      const std::string name = "features." + std::to_string(s + 2) + "." + std::to_string(block);
      const Shape shape{in, stage.channels, 3, block == 0 ? stage.stride : 1};
      if (stage.fused) {
        fused_block(layers, name, shape, stage.expansion);
      } else {
        efficientnet_block(layers, name, shape, stage.expansion);
      }
      in = stage.channels;
    }
  }
  convolve(layers, "features.7.0", "features.7.1", {in, 1280}, Activation::silu);
  return layers;
}

Layers efficientnet(double width, double depth) {
  struct Stage {
    std::int64_t expansion, kernel, stride, channels, blocks;
  };
  constexpr std::array<Stage, 7> kStages{{{1, 3, 1, 16, 1},
                                          {6, 3, 2, 24, 2},
                                          {6, 5, 2, 40, 2},
                                          {6, 3, 2, 80, 3},
                                          {6, 5, 1, 112, 3},
                                          {6, 5, 2, 192, 4},
                                          {6, 3, 1, 320, 1}}};
  const auto wider = [width](std::int64_t channels) {  // to a multiple of 8, at most 10 % smaller
    const double wanted = static_cast<double>(channels) * width;
    const auto rounded = std::max<std::int64_t>(8, static_cast<std::int64_t>(wanted + 4) / 8 * 8);
    return static_cast<double>(rounded) < 0.9 * wanted ? rounded + 8 : rounded;
  };
  Layers layers;
  std::int64_t in = wider(32);
  convolve(layers, "features.0.0", "features.0.1", {3, in, 3, 2}, Activation::silu);
  for (std::size_t s = 0; s < kStages.size(); ++s) {
    const Stage& stage = kStages[s];
    const auto blocks = static_cast<int>(std::ceil(static_cast<double>(stage.blocks) * depth));
    for (int block = 0; block < blocks; ++block) {
      efficientnet_block(layers, "features." + std::to_string(s + 1) + "." + std::to_string(block),
                         {in, wider(stage.channels), stage.kernel, block == 0 ? stage.stride : 1},
                         stage.expansion);
      in = wider(stage.channels);
    }
  }
  convolve(layers, "features.8.0", "features.8.1", {in, 4 * in}, Activation::silu);
  return layers;
}

/// `wide`: three convolutions per block and four times the output channels (resnet50 and up).
/// `caffe`: as the authors' own, whose blocks stride in their first convolution instead of the 3x3
/// one, and whose pooling pads the odd row and column after the map (as TensorFlow's SAME does, for
/// an even side; zeros after a ReLU do not change a maximum).
Layers resnet(const std::array<int, 4>& blocks, bool wide, bool caffe = false) {
  Layers layers;
  convolve(layers, "conv1", "bn1", {3, 64, 7, 2}, Activation::relu);
  pool(layers, 64, 3, true);
  layers.back().tf_same = caffe;
  std::int64_t in = 64;
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    const std::int64_t narrow = std::int64_t{64} << stage, out = wide ? 4 * narrow : narrow;
    for (int block = 0; block < blocks[stage]; ++block) {
      const std::int64_t stride = block == 0 && stage > 0 ? 2 : 1;
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
      auto add = [&, part = 0](const Shape& shape) mutable -> EncoderLayer& {
        const std::string number = std::to_string(++part);
        return convolve(layers, name + ".conv" + number, name + ".bn" + number, shape,
                        Activation::relu);
      };
      const std::size_t first = layers.size();
      if (in != out || stride != 1) {
        convolve(layers, name + ".downsample.0", name + ".downsample.1", {in, out, 1, stride},
                 Activation::none)
            .lane = Lane::shortcut;
      }
      if (wide) {
        add({in, narrow, 1, caffe ? stride : 1});
        add({narrow, narrow, 3, caffe ? 1 : stride});
        add({narrow, out}).adds_residual = true;
      } else {
        add({in, narrow, 3, stride});
        add({narrow, narrow, 3}).adds_residual = true;
      }
      layers[first].keeps_residual = true;
      in = out;
    }
  }
  return layers;
}

Layers vgg(const std::array<int, 5>& convolutions) {
  constexpr std::array<std::int64_t, 5> kChannels{64, 128, 256, 512, 512};
  Layers layers;
  std::int64_t in = 3;
  int number = 0;
  for (std::size_t stage = 0; stage < convolutions.size(); ++stage) {
    for (int i = 0; i < convolutions[stage]; ++i) {
      convolve(layers, "features." + std::to_string(number), "", {in, kChannels[stage], 3},
               Activation::relu);
      in = kChannels[stage];
      number += 2;  // followed by a ReLU
    }
    pool(layers, in, 2, false);
    ++number;
  }
  return layers;
}

Layers whole_trunk(const std::string& name) {
  if (name == "mobilenet_v2") return mobilenet_v2();
  if (name == "resnet18") return resnet({2, 2, 2, 2}, false);
  if (name == "resnet34") return resnet({3, 4, 6, 3}, false);
  if (name == "resnet50") return resnet({3, 4, 6, 3}, true);
  if (name == "resnet101") return resnet({3, 4, 23, 3}, true);
  if (name == "resnet152") return resnet({3, 8, 36, 3}, true);
  if (name == "caffe_resnet50") return resnet({3, 4, 6, 3}, true, true);
  if (name == "caffe_resnet101") return resnet({3, 4, 23, 3}, true, true);
  if (name == "caffe_resnet152") return resnet({3, 8, 36, 3}, true, true);
  if (name == "vgg16") return vgg({2, 2, 3, 3, 3});
  if (name == "vgg19") return vgg({2, 2, 4, 4, 4});
  if (name.starts_with("tf_")) {
    Layers layers = whole_trunk(name.substr(3));
    for (EncoderLayer& layer : layers) layer.tf_same = true;
    return layers;
  }
  if (name == "efficientnet_b0") return efficientnet(1.0, 1.0);
  if (name == "efficientnet_b1") return efficientnet(1.0, 1.1);
  if (name == "efficientnet_b2") return efficientnet(1.1, 1.2);
  if (name == "efficientnet_b3") return efficientnet(1.2, 1.4);
  if (name == "efficientnet_b4") return efficientnet(1.4, 1.8);
  if (name == "efficientnetv2_b0") return efficientnetv2_b0();
  throw std::runtime_error("no trunk of that name");
}

bool belongs(const std::string& layer, const std::string& block) {
  return layer == block || layer.starts_with(block + ".");
}

}  // namespace

Padding padding_of(const EncoderLayer& layer, std::int64_t side) {
  Padding p;
  if (layer.tf_same) {
    p.out = (side + layer.stride - 1) / layer.stride;
    const std::int64_t all =
        std::max<std::int64_t>((p.out - 1) * layer.stride + layer.kernel - side, 0);
    p.before = all / 2;
    p.after = all - p.before;
  } else {
    p.before = p.after = layer.padded ? layer.kernel / 2 : 0;
    p.out = (side + 2 * p.before - layer.kernel) / layer.stride + 1;
  }
  return p;
}

const std::vector<std::string>& encoder_names() {
  static const std::vector<std::string> names{"caffe_resnet101",
                                              "caffe_resnet152",
                                              "caffe_resnet50",
                                              "efficientnet_b0",
                                              "efficientnet_b1",
                                              "efficientnet_b2",
                                              "efficientnet_b3",
                                              "efficientnet_b4",
                                              "mobilenet_v2",
                                              "resnet101",
                                              "resnet152",
                                              "resnet18",
                                              "resnet34",
                                              "resnet50",
                                              "tf_efficientnet_b0",
                                              "tf_efficientnet_b1",
                                              "tf_efficientnet_b2",
                                              "tf_efficientnet_b3",
                                              "tf_efficientnet_b4",
                                              "tf_efficientnetv2_b0",
                                              "vgg16",
                                              "vgg19"};
  return names;
}

std::vector<EncoderLayer> encoder_layers(const std::string& architecture) {
  const auto at = architecture.find('@');
  const std::string name = architecture.substr(0, at);
  const std::vector<std::string>& names = encoder_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    std::string known;
    for (const std::string& one : names) known += (known.empty() ? "" : ", ") + one;
    throw std::runtime_error("encoder '" + name + "' is not known; known are " + known);
  }
  Layers layers = whole_trunk(name);
  if (at == std::string::npos) return layers;

  const std::string rest = architecture.substr(at + 1);
  const std::string block = rest.substr(0, rest.find('+'));
  const auto find_last = [&layers](const std::string& wanted) {
    const auto found = std::find_if(layers.rbegin(), layers.rend(),
                                    [&](const EncoderLayer& l) { return belongs(l.name, wanted); });
    if (wanted.empty() || found == layers.rend())
      throw std::runtime_error("the encoder has no block '" + wanted + "'");
    return static_cast<std::size_t>(std::distance(found, layers.rend())) - 1;
  };
  const std::size_t last = find_last(block);
  Layers kept(layers.begin(), layers.begin() + static_cast<std::ptrdiff_t>(last) + 1);
  if (block.size() < rest.size()) {
    const EncoderLayer& more = layers[find_last(rest.substr(block.size() + 1))];
    if (more.in != kept.back().out || more.adds_residual || more.lane != Lane::main)
      throw std::runtime_error("encoder: " + more.name + " cannot follow " + block);
    kept.push_back(more);
  }
  std::int64_t stride = 1;
  for (const EncoderLayer& layer : kept)
    if (layer.lane == Lane::main) stride *= layer.stride;
  if (stride != 32)
    throw std::runtime_error("encoder: after " + block + " the grid is not a 32nd of the side");
  return kept;
}

double norm_epsilon(const std::string& architecture) {
  return architecture.starts_with("tf_") ? 1e-3 : 1e-5;
}

std::int64_t feature_channels(const std::vector<EncoderLayer>& layers) { return layers.back().out; }

std::int64_t grid_side(const std::vector<EncoderLayer>& layers, std::int64_t side) {
  for (const EncoderLayer& layer : layers) {
    const bool shrinks = layer.lane == Lane::main && (layer.kind == LayerKind::convolution ||
                                                      layer.kind == LayerKind::max_pool);
    if (shrinks) side = padding_of(layer, side).out;
  }
  return side;
}

std::size_t layers_until(const std::vector<EncoderLayer>& layers, const std::string& name) {
  const auto found = std::find_if(layers.rbegin(), layers.rend(),
                                  [&](const EncoderLayer& l) { return belongs(l.name, name); });
  if (name.empty() || found == layers.rend())
    throw std::runtime_error("the encoder has no block '" + name + "'");
  if (found == layers.rbegin())
    throw std::runtime_error("the encoder has nothing after the block '" + name + "'");
  return static_cast<std::size_t>(std::distance(found, layers.rend()));
}

}  // namespace photoscribe
