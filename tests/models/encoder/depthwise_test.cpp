// The loops in bfloat16 between an inverted bottleneck's products, against LibTorch in float32.
#include "models/encoder/depthwise.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>
#include <vector>

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr std::int64_t kGuard = 64;  // numbers after what is written

std::uint16_t* bits(const Tensor& x) { return reinterpret_cast<std::uint16_t*>(x.data_ptr()); }

/// Off by at most half a step of bfloat16, or 1e-3.
void expect_near(const Tensor& found, const Tensor& wanted) {
  const Tensor off = (found.to(torch::kFloat32) - wanted).abs() - wanted.abs() / 250;
  const auto largest = off.max().item<float>();
  EXPECT_LT(largest, 1e-3F) << "largest difference beside half a step";
}

EncoderLayer depthwise(std::int64_t channels, std::int64_t kernel, std::int64_t stride) {
  EncoderLayer layer;
  layer.in = layer.out = layer.groups = channels;
  layer.kernel = kernel;
  layer.stride = stride;
  return layer;
}

/// Runs `layer` over a photo of random numbers and compares it with LibTorch.
void compare(const EncoderLayer& layer, std::int64_t side, Activation before) {
  SCOPED_TRACE(std::to_string(layer.in) + " channels, kernel " + std::to_string(layer.kernel) +
               ", stride " + std::to_string(layer.stride) + ", side " + std::to_string(side));
  ASSERT_TRUE(Depthwise::supports(layer));
  const std::int64_t C = layer.in;
  const Tensor photo = at::randn({side, side, C}).to(torch::kBFloat16),
               weight = at::randn({C, 1, layer.kernel, layer.kernel}), bias = at::randn({C});
  const Padding padding = padding_of(layer, side);
  Tensor x = photo.to(torch::kFloat32).permute({2, 0, 1}).unsqueeze(0);
  if (before == Activation::silu) x = at::silu(x);
  x = at::constant_pad_nd(x, {padding.before, padding.after, padding.before, padding.after});
  const std::vector<std::int64_t> stride(2, layer.stride), none(2, 0), one(2, 1);
  x = at::conv2d(x, weight, bias, stride, none, one, C);
  if (layer.activation == Activation::silu) x = at::silu(x);
  if (layer.activation == Activation::relu6) x = x.clamp(0, 6);
  const Tensor wanted = x[0].permute({1, 2, 0});  // (out,out,C)

  const Depthwise loop(layer, side, before, weight.data_ptr<float>(), bias.data_ptr<float>());
  ASSERT_EQ(wanted.size(0), padding.out);
  const std::int64_t size = wanted.numel();
  const Tensor found = at::full({size + kGuard}, 7, torch::kBFloat16),
               mean = at::full({C + kGuard}, 7, torch::kBFloat16);
  loop.run(bits(photo), bits(found), bits(mean));

  expect_near(found.narrow(0, 0, size).view(wanted.sizes()), wanted);
  expect_near(mean.narrow(0, 0, C), wanted.mean(at::IntArrayRef{0, 1}));
  EXPECT_TRUE((found.slice(0, size) == 7).all().item<bool>()) << "what lies behind the map";
  EXPECT_TRUE((mean.slice(0, C) == 7).all().item<bool>()) << "what lies behind the means";

  const Tensor again = at::empty({size}, torch::kBFloat16);
  loop.run(bits(photo), bits(again), nullptr);
  EXPECT_TRUE(at::equal(again, found.narrow(0, 0, size))) << "without the means";
}

class DepthwiseLoop : public testing::Test {
 protected:
  void SetUp() override {
    if (!Depthwise::supports(depthwise(16, 3, 1)))
      GTEST_SKIP() << "this CPU or build has no such loops";
    at::manual_seed(1);
  }
};

TEST_F(DepthwiseLoop, IsLibTorchsConvolutionForEveryShape) {
  for (const std::int64_t kernel : {3, 5})
    for (const std::int64_t stride : {1, 2})
      for (const std::int64_t side : {1, 4, 7, 10, 23, 40})
        for (const std::int64_t channels : {2, 24, 48})
          compare(depthwise(channels, kernel, stride), side, Activation::none);
}

TEST_F(DepthwiseLoop, DoesTheActivationsBeforeAndAfter) {
  for (const Activation behind : {Activation::silu, Activation::relu6, Activation::none}) {
    EncoderLayer layer = depthwise(40, 5, 1);
    layer.activation = behind;
    compare(layer, 20, Activation::silu);
    layer.tf_same = true;
    layer.stride = 2;
    compare(layer, 21, Activation::none);
    compare(layer, 22, Activation::silu);
  }
}

// More rows than are kept at once: their buffer is circular.
TEST_F(DepthwiseLoop, WideMapsGoThroughInBands) {
  compare(depthwise(720, 5, 1), 33, Activation::silu);
  compare(depthwise(720, 3, 2), 47, Activation::silu);
}

TEST_F(DepthwiseLoop, ScalesEachChannelByItsGate) {
  for (const std::int64_t positions : {37, 64}) {  // one position at a time, and several
    for (const std::int64_t channels : {1, 8, 16, 24, 48, 80}) {
      const Tensor all = at::randn({positions * channels + kGuard}).to(torch::kBFloat16),
                   before = all.clone(), gate = at::rand({channels}).to(torch::kBFloat16);
      const Tensor x = before.narrow(0, 0, positions * channels).view({positions, channels});
      const Tensor wanted = x.to(torch::kFloat32) * gate.to(torch::kFloat32);
      scale_channels(bits(all), bits(gate), positions, channels);
      EXPECT_TRUE(at::equal(all.narrow(0, 0, positions * channels).view({positions, channels}),
                            wanted.to(torch::kBFloat16)))
          << positions << " positions of " << channels << " channels";
      EXPECT_TRUE(
          at::equal(all.slice(0, positions * channels), before.slice(0, positions * channels)))
          << "what lies behind the map";
    }
  }
}

TEST(Depthwise, LeavesOtherConvolutionsAlone) {
  EncoderLayer grouped = depthwise(16, 3, 1), wide = depthwise(16, 7, 1),
               adds = depthwise(16, 3, 1);
  grouped.groups = 4;
  adds.adds_residual = true;
  EXPECT_FALSE(Depthwise::supports(grouped));
  EXPECT_FALSE(Depthwise::supports(wide));
  EXPECT_FALSE(Depthwise::supports(adds));
}

}  // namespace
}  // namespace photoscribe
