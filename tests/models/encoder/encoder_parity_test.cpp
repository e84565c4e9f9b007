// Every trunk's features against torchvision's for the same generated weights and picture:
// tests/data/encoders, where make_features.py has the formula of the weights.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <cstdio>

#include "models/encoder/fast_encoder.h"
#include "models/train/import/import.h"

namespace photoscribe {
namespace {

using Shape = std::vector<std::int64_t>;
constexpr std::int64_t kSide = 64;
const std::string kFeatures = PHOTOSCRIBE_SOURCE_DIR "/tests/data/encoders/features.safetensors";

/// Uniform numbers in [0, 1), times `scale`, plus `shift`; the same for a name everywhere.
torch::Tensor made(const std::string& name, const Shape& shape, double scale, double shift) {
  std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  torch::Tensor tensor = at::empty(shape);
  auto* const values = static_cast<float*>(tensor.data_ptr());
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    std::uint64_t z = hash + static_cast<std::uint64_t>(i) + 0x9E3779B97F4A7C15;  // splitmix64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    z ^= z >> 31;
    const double uniform = static_cast<double>(z >> 40) / (1 << 24);
    values[i] = static_cast<float>(uniform * scale + shift);
  }
  return tensor;
}

/// A state dict with torchvision's names.
TensorMap made_state(const std::vector<EncoderLayer>& layers, double gain) {
  TensorMap state;
  for (const EncoderLayer& layer : layers) {
    if (layer.kind != LayerKind::convolution) continue;
    const Shape shape = weight_shape(layer);
    const double range = std::sqrt(gain / static_cast<double>(shape[1] * shape[2] * shape[3]));
    const auto put = [&](const std::string& name, const Shape& of, double scale, double shift) {
      state[name] = made(name, of, scale, shift);
    };
    put(layer.name + ".weight", shape, 2 * range, -range);
    if (layer.norm.empty()) {
      put(layer.name + ".bias", {layer.out}, 0.2, -0.1);
      continue;
    }
    put(layer.norm + ".weight", {layer.out}, 1, 0.5);
    put(layer.norm + ".running_var", {layer.out}, 1, 0.5);
    put(layer.norm + ".bias", {layer.out}, 0.2, -0.1);
    put(layer.norm + ".running_mean", {layer.out}, 0.2, -0.1);
  }
  return state;
}

/// How far `features` (C,G,G) are from those in the file, relative to the largest there.
double off(const torch::Tensor& features, const TensorMap& file, const std::string& trunk) {
  const torch::Tensor &expected = file.at(trunk + " every 9th"),
                      &squares = file.at(trunk + " sum of squares");
  const torch::Tensor got = features.contiguous().reshape({-1}).slice(0, 0, features.numel(), 9);
  const torch::Tensor sums = features.to(torch::kFloat64).square().sum(0).to(torch::kFloat32);
  EXPECT_EQ(got.sizes(), expected.sizes());
  EXPECT_EQ(sums.sizes(), squares.sizes());
  if (got.sizes() != expected.sizes() || sums.sizes() != squares.sizes()) return 1;
  return std::max(((got - expected).abs().max() / expected.abs().max()).item<double>(),
                  ((sums - squares).abs().max() / squares.abs().max()).item<double>());
}

class EncoderParity : public testing::TestWithParam<std::string> {};

TEST_P(EncoderParity, FeaturesAreTorchvisionsOfTheSameWeights) {
  const auto file = load_tensors(kFeatures);
  ASSERT_TRUE(file) << file.error().message;
  const TensorMap state =
      made_state(encoder_layers(GetParam()), file->at(GetParam() + " gain").item<double>());
  const auto weights = import_encoder(state, GetParam(), norm_epsilon(GetParam()));
  ASSERT_TRUE(weights) << weights.error().message;
  EXPECT_TRUE(weights->left_over.empty());
  const torch::Tensor picture = made("picture", {1, 3, kSide, kSide}, 4, -2);

  const torch::NoGradGuard no_grad;
  const Encoder encoder(GetParam(), weights->tensors);
  const torch::Tensor plain = encoder.forward(picture)[0];
  const torch::Tensor fast = FastEncoder(encoder, kSide)
                                 .forward(picture.permute({0, 2, 3, 1}).contiguous())
                                 .transpose(1, 2)[0]
                                 .reshape(plain.sizes());
  const double plain_off = off(plain, *file, GetParam()), fast_off = off(fast, *file, GetParam());
  std::printf("largest difference over the largest value: plain %.2g, fast %.2g\n", plain_off,
              fast_off);
  EXPECT_LT(plain_off, 1e-4);
  EXPECT_LT(fast_off, 1e-4);
}

std::vector<std::string> trunks() {
  std::vector<std::string> names = encoder_names();
  names.emplace_back("tf_efficientnet_b4@features.7.0");
  names.emplace_back("tf_efficientnet_b4@features.7.0+features.8");
  return names;
}

INSTANTIATE_TEST_SUITE_P(Trunks, EncoderParity, testing::ValuesIn(trunks()),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace photoscribe
