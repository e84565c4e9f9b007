// The encoder's features against those that PyTorch 1.13 computed from the same weights.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "models/encoder.h"

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

}  // namespace
}  // namespace photoscribe
