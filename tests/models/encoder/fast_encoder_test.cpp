// The encoder for captioning against the plain one.
#include "models/encoder/fast_encoder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace photoscribe {
namespace {

class FastEncoderOf : public testing::TestWithParam<const char*> {};

Encoder random_trunk(const char* name) {
  at::manual_seed(1);
  TensorMap parameters = random_encoder(name);
  for (auto& [tensor_name, tensor] : parameters)
    if (tensor.dim() == 1) tensor.normal_(0, 0.1);
  return {name, parameters};
}

TEST_P(FastEncoderOf, GivesThePlainEncodersFeaturesForAnyBatchSize) {
  const torch::NoGradGuard no_grad;
  const Encoder encoder = random_trunk(GetParam());
  const std::int64_t channels = feature_channels(encoder.layers());
  const FastEncoder fast(encoder, 64);
  for (const std::int64_t photos : {1, 2, 7}) {
    const torch::Tensor images = at::randn({photos, 64, 64, 3});
    const torch::Tensor plain = encoder.forward(images.permute({0, 3, 1, 2}));
    const torch::Tensor features = fast.forward(images);
    ASSERT_EQ(features.sizes(), (std::vector<std::int64_t>{photos, 4, channels}));
    const double largest = plain.abs().max().item<double>();
    const double difference =
        (features - plain.permute({0, 2, 3, 1}).flatten(1, 2)).abs().max().item<double>();
    std::printf("%s: %ld photos: largest difference %.3g of values up to %.3g\n", fast.backend(),
                photos, difference, largest);
    EXPECT_LT(difference, 1e-5 * std::max(10.0, largest));
    EXPECT_GT(plain.std().item<double>(), 1e-3 * largest);
  }
}

TEST_P(FastEncoderOf, InBfloat16GivesNearlyTheSameForAnyBatchSize) {
  if (!has_bfloat16()) GTEST_SKIP() << "this CPU has no bfloat16";
  const torch::NoGradGuard no_grad;
  const Encoder encoder = random_trunk(GetParam());
  const FastEncoder exact(encoder, 64), rounded(encoder, 64, Precision::bfloat16);
  EXPECT_STREQ(rounded.backend(), "oneDNN bfloat16");
  for (const std::int64_t photos : {1, 2, 7}) {
    const torch::Tensor images = at::randn({photos, 64, 64, 3});
    const torch::Tensor expected = exact.forward(images), features = rounded.forward(images);
    ASSERT_EQ(features.sizes(), expected.sizes());
    ASSERT_EQ(features.scalar_type(), torch::kFloat32);
    const double off = ((features - expected).norm() / expected.norm()).item<double>();
    std::printf("bfloat16: %ld photos: off by %.3g of the norm\n", photos, off);
    EXPECT_LT(off, 0.15);  // random weights propagate errors; trained ones: ADR 0012
    EXPECT_GT(off, 1e-6) << "nothing was rounded";
  }
}

// Photos of a pass are stored one after the other: each has its own means and gates.
TEST(FastEncoder, InBfloat16EachPhotoHasItsOwnGates) {
  if (!has_bfloat16()) GTEST_SKIP() << "this CPU has no bfloat16";
  const torch::NoGradGuard no_grad;
  at::manual_seed(1);
  TensorMap parameters = random_encoder("tf_efficientnet_b0");
  for (auto& [name, tensor] : parameters)  // so that gates differ between photos
    if (name.find(".fc") != std::string::npos && tensor.dim() == 4) tensor.mul_(30);
  const FastEncoder fast({"tf_efficientnet_b0", parameters}, 64, Precision::bfloat16);
  const torch::Tensor images =
      at::randn({4, 64, 64, 3}) * at::tensor({0.2F, 1.F, 3.F, 9.F}).view({4, 1, 1, 1});
  const torch::Tensor together = fast.forward(images);
  for (std::int64_t i = 0; i < 4; ++i) {
    const torch::Tensor alone = fast.forward(images.narrow(0, i, 1));
    const double off = ((together[i] - alone[0]).norm() / alone.norm()).item<double>();
    std::printf("photo %ld: off by %.3g of the norm\n", i, off);
    EXPECT_LT(off, 0.3) << i;  // with those of another photo 0.9 to 4
  }
}

INSTANTIATE_TEST_SUITE_P(Trunks, FastEncoderOf,
                         testing::Values("mobilenet_v2", "resnet18", "resnet50", "vgg16",
                                         "efficientnet_b0", "tf_efficientnet_b0",
                                         "tf_efficientnet_b0@features.6.3",
                                         "tf_efficientnet_b0@features.6.3+features.6.1.block.0",
                                         "tf_efficientnetv2_b0",
                                         "tf_efficientnetv2_b0@features.6.7"));

}  // namespace
}  // namespace photoscribe
