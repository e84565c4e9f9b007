// encoder_layers: the layers of the convolutional trunks, one list of steps for each.
// Private to models/.
//
// A trunk works on three values: `main`, the photo's features so far; `shortcut`, what a residual
// block adds at its end; `gate`, the channel weights of a squeeze-and-excitation block. Batch norm
// is folded into weights and biases, so every layer with parameters is a convolution with a bias.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace photoscribe {

enum class LayerKind : std::uint8_t {
  convolution,
  max_pool,
  mean,   // gate = the mean of main over all positions
  scale,  // main = main * gate
};
enum class Lane : std::uint8_t { main, shortcut, gate };
enum class Activation : std::uint8_t { none, relu, relu6, silu, sigmoid };

struct EncoderLayer {
  LayerKind kind = LayerKind::convolution;
  std::string name;  // of the convolution, torchvision's, without ".weight" and ".bias"
  std::string norm;  // of the batch norm folded into it; empty: there was none
  Lane lane = Lane::main;
  std::int64_t in = 0, out = 0;
  std::int64_t kernel = 1, stride = 1, groups = 1;
  bool tf_same = false;  // padded as by TensorFlow's SAME, else by kernel / 2 on every side
  bool padded = true;    // false: not padded at all (VGG's pooling)
  Activation activation = Activation::none;  // after the bias and the residual sum
  bool keeps_residual = false;               // shortcut = its input …
  bool adds_residual = false;                // … which is added to its output
};

/// Zeros before and after an axis of `side` positions, and the number of output positions.
struct Padding {
  std::int64_t before = 0, after = 0, out = 0;
};
[[nodiscard]] Padding padding_of(const EncoderLayer& layer, std::int64_t side);

/// The layers of `architecture` in order; all end in a grid of a 32nd of the side. Throws
/// std::runtime_error for an unknown one. Known, up to the layer before the pooling and classifier
/// of torchvision's models, with its parameter names:
/// - resnet18, resnet34, resnet50, resnet101, resnet152: He et al., CVPR 2016 (stride in the 3x3
///   convolution); caffe_resnet50, caffe_resnet101, caffe_resnet152: with the stride where the
///   authors' own weights have it, in the first convolution, and a pooling that is not padded in
///   front, which wants an even side;
/// - vgg16, vgg19: Simonyan & Zisserman, ICLR 2015, configurations D and E;
/// - mobilenet_v2: Sandler et al., CVPR 2018;
/// - efficientnet_b0 to efficientnet_b4: Tan & Le, ICML 2019. With "tf_" in front (timm's name for
///   the original weights) stride 2 is padded as TensorFlow does;
/// - tf_efficientnetv2_b0: Tan & Le, ICML 2021, Keras' EfficientNetV2B0: fused blocks (a whole 3x3
///   convolution instead of 1x1 and depthwise) in front. torchvision has no such model; names are
///   those that it gives the larger ones.
/// "NAME@BLOCK" stops after the block BLOCK, "NAME@BLOCK+LAYER" continues with the convolution
/// LAYER from there: "tf_efficientnet_b4@features.7.0+features.8.0" leaves out features.7.1.
[[nodiscard]] std::vector<EncoderLayer> encoder_layers(const std::string& architecture);

/// The names that may come before '@'.
[[nodiscard]] const std::vector<std::string>& encoder_names();

/// Added to the variance by the batch norms of the original weights of `architecture`: 1e-3 for
/// "tf_" ones, 1e-5 for torchvision's.
[[nodiscard]] double norm_epsilon(const std::string& architecture);

/// Output channels.
[[nodiscard]] std::int64_t feature_channels(const std::vector<EncoderLayer>& layers);
/// Side of the grid for an input of `side` pixels.
[[nodiscard]] std::int64_t grid_side(const std::vector<EncoderLayer>& layers, std::int64_t side);
/// How many layers there are up to the end of the block `name` ("features.5.5", or "features.5"
/// with all its blocks). Throws std::runtime_error when there is none, or nothing after it.
[[nodiscard]] std::size_t layers_until(const std::vector<EncoderLayer>& layers,
                                       const std::string& name);

}  // namespace photoscribe
