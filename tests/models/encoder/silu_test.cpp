#include "models/encoder/silu.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

namespace photoscribe {
namespace {

using torch::Tensor;

/// Numbers of all sizes, in a count that no vector length divides.
Tensor numbers() {
  at::manual_seed(1);
  return at::cat({at::randn({5000}) * 5, at::linspace(-20, 20, 777),
                  at::tensor({0.F, -0.F, 1e-30F, -1e-30F, -87.F, -89.F, -3e4F, 88.F, 3e4F})});
}

TEST(Silu, IsLibTorchs) {
  const Tensor x = numbers(), wanted = at::silu(x);
  Tensor y = x.clone();
  silu_in_place(y.data_ptr<float>(), y.numel());
  const Tensor off = (y - wanted).abs() - wanted.abs() * 2e-6;
  EXPECT_LT(off.max().item<float>(), 1e-6);
}

TEST(Silu, OfBfloat16sIsTheNearestOrTheOneBeside) {
  Tensor x = numbers().to(torch::kBFloat16);
  const Tensor wanted = at::silu(x.to(torch::kFloat32));
  silu_in_place(reinterpret_cast<std::uint16_t*>(x.data_ptr()), x.numel());
  const Tensor off = (x.to(torch::kFloat32) - wanted).abs() - wanted.abs() * (1.01 / 128);
  EXPECT_LT(off.max().item<float>(), 1e-6);
}

TEST(Silu, TheLastFewNumbersAreAsTheOthers) {
  const Tensor all = numbers().to(torch::kBFloat16);
  Tensor together = all.clone();
  silu_in_place(reinterpret_cast<std::uint16_t*>(together.data_ptr()), together.numel());
  const Tensor shifted = all.narrow(0, 3, all.numel() - 3).clone();
  silu_in_place(reinterpret_cast<std::uint16_t*>(shifted.data_ptr()), shifted.numel());
  const Tensor off =
      (shifted.to(torch::kFloat32) - together.narrow(0, 3, shifted.numel()).to(torch::kFloat32))
          .abs() -
      shifted.to(torch::kFloat32).abs() / 128;
  EXPECT_LE(off.max().item<float>(), 0) << "another loop does the last few";
}

}  // namespace
}  // namespace photoscribe
