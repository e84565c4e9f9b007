// The encoder's features against those that PyTorch 1.13 computed from the same weights.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "models/encoder.h"
#include "models/train/import.h"

namespace photoscribe {
namespace {

const std::string kEncoders = std::string(PHOTOSCRIBE_SOURCE_DIR) + "/../shared/data/encoders/";

TEST(EncoderParity, MobileNetV2GivesPyTorchsFeatures) {
  if (!std::filesystem::exists(kEncoders + "ref_mobilenet_v2.safetensors"))
    GTEST_SKIP() << "no test data at " << kEncoders;
  const auto weights = load_tensors(kEncoders + "mobilenet_v2_folded.safetensors");
  ASSERT_TRUE(weights) << weights.error().message;
  const auto reference = load_tensors(kEncoders + "ref_mobilenet_v2.safetensors");
  ASSERT_TRUE(reference) << reference.error().message;

  const torch::NoGradGuard no_grad;
  const Encoder encoder("mobilenet_v2", *weights);
  const auto features = encoder.forward(reference->at("input"));
  const auto difference = (features - reference->at("features")).abs().max().item<float>();
  std::printf("largest difference: %.3g of values up to %.3g\n", static_cast<double>(difference),
              reference->at("features").abs().max().item<double>());
  EXPECT_LT(difference, 1e-4F);
}

// The reference comes from float32 weights; the file that there is holds them rounded to half
// precision, which alone moves features by up to a thousandth of the largest. To 1e-4 and better,
// the same file is held against torchvision in torchvision_parity_test.cpp.
TEST(EncoderParity, EfficientNetB4GivesPyTorchsFeaturesUpToTheRoundingOfItsFile) {
  if (!std::filesystem::exists(kEncoders + "ref_efficientnet_b4.safetensors"))
    GTEST_SKIP() << "no test data at " << kEncoders;
  const auto state = load_tensors(kEncoders + "efficientnet_b4_blocks31.safetensors");
  ASSERT_TRUE(state) << state.error().message;
  const auto reference = load_tensors(kEncoders + "ref_efficientnet_b4.safetensors");
  ASSERT_TRUE(reference) << reference.error().message;

  const torch::NoGradGuard no_grad;
  for (const auto& [architecture, array] :
       {std::pair{"tf_efficientnet_b4@features.7.0", "block30"},
        std::pair{"tf_efficientnet_b4@features.7.0+features.8", "head"}}) {
    const auto weights = import_encoder(*state, architecture, norm_epsilon(architecture));
    ASSERT_TRUE(weights) << weights.error().message;
    const torch::Tensor& expected = reference->at(array);
    const torch::Tensor off =
        (Encoder(architecture, weights->tensors).forward(reference->at("input")) - expected).abs();
    const double largest = expected.abs().max().item<double>();
    std::printf("%s: largest difference %.3g, mean %.3g, of values up to %.3g\n", architecture,
                off.max().item<double>(), off.mean().item<double>(), largest);
    EXPECT_LT(off.max().item<double>(), 2e-3 * largest);
    EXPECT_LT(off.mean().item<double>(), 1e-4 * largest);
  }
}

}  // namespace
}  // namespace photoscribe
