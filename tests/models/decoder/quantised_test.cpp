#include "models/decoder/quantised.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

#include "models/decoder/fast_linear.h"
#include "models/format/precision.h"

namespace photoscribe {
namespace {

using testing::ElementsAre;
using torch::Tensor;

struct Rows {
  std::vector<std::uint8_t> bits;
  std::vector<float> scale;
};
Rows quantised(const std::vector<float>& x, std::size_t rows) {
  Rows made{std::vector<std::uint8_t>(x.size()), std::vector<float>(rows)};
  quantise_rows(static_cast<std::int64_t>(rows), static_cast<std::int64_t>(x.size() / rows),
                x.data(), made.bits.data(), made.scale.data());
  return made;
}

TEST(Quantised, ARowsLargestMagnitudeIs127AndZeroIs128) {
  const Rows rows = quantised({-2, 1, 0, 0.5, 0, 1e-3F, -1e-3F, 0}, 2);
  EXPECT_THAT(rows.bits, ElementsAre(1, 192, 128, 160, 128, 255, 1, 128));
  EXPECT_FLOAT_EQ(rows.scale[0], 2.0F / 127);
  EXPECT_FLOAT_EQ(rows.scale[1], 1e-3F / 127);
}

TEST(Quantised, RowsOfNothingAreZeroAndOthersDoNotSeeThem) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const Rows rows = quantised({0, 0, tiny, -tiny, 1, 1}, 3);
  EXPECT_THAT(rows.bits, ElementsAre(128, 128, 128, 128, 255, 255));
  EXPECT_EQ(rows.scale[0], 0);
  EXPECT_LT(rows.scale[1], 1e-40F);
}

TEST(Quantised, ARowThatIsNotFiniteHasNoScale) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Rows rows = quantised({1, std::nanf(""), 1, infinity, -infinity, 1, 2, 2}, 4);
  for (const std::size_t r : {0U, 1U, 2U}) EXPECT_TRUE(std::isnan(rows.scale[r])) << r;
  EXPECT_FLOAT_EQ(rows.scale[3], 2.0F / 127);
}

// The same rule in the arithmetic of LibTorch: integers multiplied exactly, one scale a row and one
// a column.
TEST(Quantised, AFastLinearMultipliesExactlyTheseIntegers) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  at::manual_seed(4);
  const Tensor weight = at::randn({40, 23}), bias = at::randn({40});
  const auto integers = [](const Tensor& t, Tensor& scale) {
    scale = t.abs().amax(1, /*keepdim=*/true) / 127;
    return at::round(t / scale).to(torch::kFloat64);
  };
  Tensor columns;
  const Tensor w = integers(weight, columns);
  const FastLinear layer(weight, bias, Precision::int8);
  for (const std::int64_t rows : {1, 7, 16, 70}) {
    const Tensor x = at::randn({rows, 23}) * at::rand({rows, 1});
    Tensor scale;
    const Tensor sums = at::mm(integers(x, scale), w.t());
    const Tensor wanted = sums * scale * columns.t() + bias;
    // A number near the middle between two integers may round the other way.
    const Tensor off = (layer(x) - wanted).abs();
    EXPECT_LT(off.median().item<double>(), 1e-5) << rows;
    EXPECT_LT((off / scale).max().item<double>(), 4) << rows;
  }
}

// The largest integers, on which instructions of 16 bits in between would saturate.
TEST(Quantised, TheLargestProductsDoNotSaturate) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  for (const std::int64_t size : {5, 64, 643}) {
    const FastLinear layer(at::ones({3, size}), {}, Precision::int8);
    const auto wanted = static_cast<float>(size);
    for (const std::int64_t rows : {1, 16, 48})
      EXPECT_LT((layer(at::ones({rows, size})) - wanted).abs().max().item<float>(), wanted * 1e-5F);
  }
}

TEST(Quantised, AWeightThatIsNotFiniteSpoilsItsColumnAlone) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  Tensor weight = at::ones({4, 8});
  weight[0][3] = std::numeric_limits<float>::quiet_NaN();
  weight[1][0] = std::numeric_limits<float>::infinity();
  weight[2] = std::numeric_limits<float>::denorm_min();
  const Tensor y = FastLinear(weight, {}, Precision::int8)(at::ones({2, 8}));
  EXPECT_TRUE(y.narrow(1, 0, 2).isnan().all().item<bool>());
  EXPECT_TRUE(y.select(1, 2).eq(0).all().item<bool>());
  EXPECT_LT((y.select(1, 3) - 8).abs().max().item<float>(), 1e-4F);
}

TEST(Quantised, WordsThatAreNeverSaidStayImpossible) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  Tensor bias = at::zeros({16});
  bias[3] = -std::numeric_limits<float>::infinity();
  const FastLinear layer(at::randn({16, 8}), bias, Precision::int8);
  const Tensor y = layer(at::randn({5, 8}));
  EXPECT_TRUE(y.select(1, 3).eq(-std::numeric_limits<float>::infinity()).all().item<bool>());
  EXPECT_TRUE(y.select(1, 4).isfinite().all().item<bool>());
}

}  // namespace
}  // namespace photoscribe
