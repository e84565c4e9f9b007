#include "models/encoder/pixels.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <vector>

namespace photoscribe {
namespace {

TEST(Pixels, AreWhatLibTorchMakesOfThemToTheBit) {
  const std::array<double, 3> mean{0.485, 0.456, 0.406}, std{0.229, 0.224, 0.225};
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 3 * 256; ++i) bytes.push_back(static_cast<std::uint8_t>(i / 3));
  const torch::Tensor found = at::empty({256, 3});
  PixelTable(mean, std).normalise(bytes.data(), 256, found.data_ptr<float>());
  const auto triple = [](const std::array<double, 3>& v) {
    return at::tensor({v[0] * 255, v[1] * 255, v[2] * 255}).to(torch::kFloat32);
  };
  const torch::Tensor wanted =
      (at::tensor(bytes).view({256, 3}).to(torch::kFloat32) - triple(mean)) / triple(std);
  EXPECT_TRUE(at::equal(found, wanted));
}

}  // namespace
}  // namespace photoscribe
