// The encoder that captions against the plain one.
#include "models/fast_encoder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdio>

namespace photoscribe {
namespace {

TEST(FastEncoder, GivesThePlainEncodersFeaturesForAnyBatchSize) {
  at::manual_seed(1);
  const torch::NoGradGuard no_grad;
  const Encoder encoder("mobilenet_v2", random_encoder("mobilenet_v2"));
  const FastEncoder fast(encoder, 64);
  std::printf("backend: %s\n", fast.backend());
  for (const std::int64_t photos : {1, 2, 7, 9}) {
    const torch::Tensor images = at::randn({photos, 64, 64, 3});
    const torch::Tensor plain = encoder.forward(images.permute({0, 3, 1, 2}));
    const torch::Tensor features = fast.forward(images);
    ASSERT_EQ(features.sizes(), (std::vector<std::int64_t>{photos, 4, 1280}));
    const double difference =
        (features - plain.permute({0, 2, 3, 1}).flatten(1, 2)).abs().max().item<double>();
    std::printf("%ld photos: largest difference %.3g of values up to %.3g\n", photos, difference,
                plain.max().item<double>());
    EXPECT_LT(difference, 1e-4);
    EXPECT_GT(plain.std().item<double>(), 1e-2);
  }
}

}  // namespace
}  // namespace photoscribe
