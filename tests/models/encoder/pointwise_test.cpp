// Matrix products in eight bits with a scale for each position, against LibTorch on the integers
// that were multiplied, and the trunks made of them.
#include "models/encoder/pointwise.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "models/encoder/depthwise.h"
#include "models/encoder/fast_encoder.h"
#include "models/encoder/int8_layers.h"
#include "models/format/precision.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr std::int64_t kGuard = 64;  // numbers after what is written

std::uint16_t* bits(const Tensor& x) { return reinterpret_cast<std::uint16_t*>(x.data_ptr()); }

Tensor of_row(const QuantisedRows& rows, std::int64_t row, std::int64_t channels) {
  const auto at = static_cast<std::size_t>(row);
  const Tensor numbers = at::empty({channels}, torch::kFloat64);
  for (std::int64_t c = 0; c < channels; ++c)
    numbers[c] = static_cast<double>(rows.numbers()[row * rows.width() + c]);
  return (numbers - static_cast<double>(rows.zeros()[at])) * static_cast<double>(rows.scales()[at]);
}

class PointwiseLoop : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_pointwise()) GTEST_SKIP() << "this CPU or build has no such loops";
    at::manual_seed(1);
  }

  /// `x` (rows,channels), bfloat16, quantised.
  static QuantisedRows quantised(const Tensor& x, const Tensor& gate = {}) {
    QuantisedRows rows;
    rows.reserve(x.size(0), x.size(1));
    for (std::int64_t r = 0; r < x.size(0); ++r)
      rows.set(r, bits(x) + r * x.size(1), gate.defined() ? bits(gate) : nullptr);
    return rows;
  }
};

TEST_F(PointwiseLoop, RowsAreWithinHalfAStepAndZeroIsExact) {
  for (const std::int64_t channels : {1, 3, 16, 24, 56, 67, 1632}) {
    SCOPED_TRACE(channels);
    Tensor x = at::randn({5, channels}) * at::tensor({1e-3, 1.0, 50.0, 1e4, 1.0}).view({5, 1});
    x[1] = x[1].abs();   // nothing below zero
    x[2] = -x[2].abs();  // nothing above it
    if (channels > 1) x.select(1, 1).zero_();
    x = x.to(torch::kBFloat16);
    const QuantisedRows rows = quantised(x);
    for (std::int64_t r = 0; r < 5; ++r) {
      const Tensor wanted = x[r].to(torch::kFloat64), found = of_row(rows, r, channels);
      const double span =
          wanted.max().clamp_min(0).item<double>() - wanted.min().clamp_max(0).item<double>();
      EXPECT_LE((found - wanted).abs().max().item<double>(), span / 255 * 0.51) << r;
      if (channels > 1) {
        EXPECT_EQ(found[1].item<double>(), 0) << r;
      }
      EXPECT_NEAR(static_cast<double>(rows.scales()[r]), span / 255, span * 1e-5);
    }
  }
}

TEST_F(PointwiseLoop, RowsAreMultipliedByTheGateFirst) {
  const Tensor x = at::randn({3, 40}).to(torch::kBFloat16),
               gate = at::rand({40}).to(torch::kBFloat16);
  const QuantisedRows rows = quantised(x, gate);
  for (std::int64_t r = 0; r < 3; ++r) {
    const Tensor wanted = x[r].to(torch::kFloat64) * gate.to(torch::kFloat64);
    const double off = (of_row(rows, r, 40) - wanted).abs().max().item<double>();
    EXPECT_LE(off, static_cast<double>(rows.scales()[r]) * 0.51);
    EXPECT_LT(static_cast<double>(rows.scales()[r]),
              (x[r].max() - x[r].min()).item<double>() / 255);
  }
}

TEST_F(PointwiseLoop, RowsOfZerosAndOfTheSmallestNumbersAreZeros) {
  for (const float number : {0.0F, -0.0F, 1e-38F, std::numeric_limits<float>::denorm_min()}) {
    const Tensor x = at::full({1, 20}, number).to(torch::kBFloat16);
    const Tensor found = of_row(quantised(x), 0, 20);
    EXPECT_LT(found.abs().max().item<double>(), 2e-38) << number;
  }
}

TEST_F(PointwiseLoop, RowsThatAreNotFiniteGiveNoNumbers) {
  for (const float odd : {NAN, INFINITY, -INFINITY}) {
    for (const std::int64_t at : {0, 13, 19}) {
      const Tensor x = at::randn({1, 20});
      x[0][at] = odd;
      const QuantisedRows rows = quantised(x.to(torch::kBFloat16));
      EXPECT_TRUE(std::isnan(rows.scales()[0])) << odd << " at " << at;
    }
  }
}

struct Shape {
  std::int64_t in, out;
};

/// A product, with one way in which a layer may end, against the integers' own.
void compare(Shape shape, std::int64_t rows, bool silu, bool adds) {
  SCOPED_TRACE(std::to_string(shape.in) + " to " + std::to_string(shape.out) + ", rows " +
               std::to_string(rows) + (silu ? ", silu" : "") + (adds ? ", sum" : ""));
  EncoderLayer layer;
  layer.in = shape.in;
  layer.out = shape.out;
  layer.activation = silu ? Activation::silu : Activation::none;
  layer.adds_residual = adds;
  ASSERT_TRUE(Pointwise::supports(layer));
  const Tensor x = at::randn({rows, shape.in}).to(torch::kBFloat16),
               weight = at::randn({shape.out, shape.in}) * 0.2, bias = at::randn({shape.out}),
               shortcut = at::randn({rows, shape.out}).to(torch::kBFloat16);
  const Int8Weight narrowed = narrow(weight);
  const Pointwise product(layer, narrowed, bias.data_ptr<float>());
  QuantisedRows quantised;
  quantised.reserve(rows, shape.in);
  std::vector<Tensor> integers;
  for (std::int64_t r = 0; r < rows; ++r) {
    quantised.set(r, bits(x) + r * shape.in, nullptr);
    integers.push_back(of_row(quantised, r, shape.in));
  }
  const Tensor scales = at::tensor(narrowed.scales, torch::kFloat64);
  Tensor wanted = at::mm(at::stack(integers), narrowed.numbers.to(torch::kFloat64).t()) * scales +
                  bias.to(torch::kFloat64);
  if (adds) wanted = wanted + shortcut.to(torch::kFloat64);
  if (silu) wanted = at::silu(wanted);

  const std::int64_t size = rows * shape.out;
  const auto expect_near = [&](const Tensor& found, double relative) {
    const Tensor near = found.narrow(0, 0, size).view(wanted.sizes()).to(torch::kFloat64);
    const Tensor off = (near - wanted).abs() - wanted.abs() * relative;
    EXPECT_LT(off.max().item<double>(), 2e-5);
    EXPECT_TRUE((found.slice(0, size) == 7).all().item<bool>()) << "what lies behind";
  };
  const Tensor found = at::full({size + kGuard}, 7, torch::kBFloat16);
  if (adds) found.narrow(0, 0, size).copy_(shortcut.flatten());  // in place, as the encoder does
  product.run(quantised, rows, adds ? bits(found) : nullptr, bits(found));
  expect_near(found, 1.0 / 240);
  if (adds) return;
  const Tensor exact = at::full({size + kGuard}, 7, torch::kFloat32);
  product.run(quantised, rows, exact.data_ptr<float>());
  expect_near(exact, 3e-4);
}

TEST_F(PointwiseLoop, IsTheProductOfTheIntegersForEveryShapeAndEnd) {
  // Tiles of one to four vectors, parts of vectors, channels that are no multiple of four.
  for (const Shape shape : {Shape{4, 16},
                            {24, 24},
                            {67, 8},
                            {56, 40},
                            {30, 56},
                            {48, 64},
                            {33, 73},
                            {20, 112},
                            {272, 144}})
    for (const std::int64_t rows : {1, 2, 3, 5, 7, 12, 25})
      for (const bool silu : {false, true})
        for (const bool adds : {false, true}) compare(shape, rows, silu, adds);
}

TEST_F(PointwiseLoop, ARowThatIsNotFiniteSpoilsNoOther) {
  EncoderLayer layer;
  layer.in = 20;
  layer.out = 24;
  const Tensor weight = at::randn({24, 20}), bias = at::randn({24}), x = at::randn({3, 20});
  const Pointwise product(layer, narrow(weight), bias.data_ptr<float>());
  const Tensor found = at::empty({3, 24});
  x[1][4] = NAN;
  product.run(quantised(x.to(torch::kBFloat16)), 3, found.data_ptr<float>());
  EXPECT_TRUE(at::isnan(found[1]).all().item<bool>());
  EXPECT_TRUE(at::isfinite(found[0]).all().item<bool>());
  EXPECT_TRUE(at::isfinite(found[2]).all().item<bool>());
}

TEST_F(PointwiseLoop, AWeightThatIsNotFiniteSpoilsItsChannelAlone) {
  EncoderLayer layer;
  layer.in = 20;
  layer.out = 24;
  const Tensor weight = at::randn({24, 20}), bias = at::randn({24}),
               x = at::randn({2, 20}).to(torch::kBFloat16), found = at::empty({2, 24});
  weight[7][3] = INFINITY;
  Pointwise(layer, narrow(weight), bias.data_ptr<float>())
      .run(quantised(x), 2, found.data_ptr<float>());
  const Tensor finite = at::isfinite(found);
  EXPECT_EQ(finite.sum().item<std::int64_t>(), 2 * 23);
  EXPECT_FALSE(finite.select(1, 7).any().item<bool>());
}

TEST_F(PointwiseLoop, SupportsProductsOfOnePositionAlone) {
  EncoderLayer plain;
  plain.in = plain.out = 32;
  EXPECT_TRUE(Pointwise::supports(plain));
  const auto with = [&plain](const auto& change) {
    EncoderLayer layer = plain;
    change(layer);
    return Pointwise::supports(layer);
  };
  EXPECT_FALSE(with([](EncoderLayer& l) { l.kernel = 3; }));
  EXPECT_FALSE(with([](EncoderLayer& l) { l.stride = 2; }));
  EXPECT_FALSE(with([](EncoderLayer& l) { l.groups = 2; }));
  EXPECT_FALSE(with([](EncoderLayer& l) { l.lane = Lane::gate; }));
  EXPECT_FALSE(with([](EncoderLayer& l) { l.kind = LayerKind::max_pool; }));
  for (const Activation other : {Activation::relu, Activation::relu6, Activation::sigmoid})
    EXPECT_FALSE(with([other](EncoderLayer& l) { l.activation = other; }));
}

/// What a block expands to goes through its depthwise convolution without being stored.
void compare_expanded(std::int64_t in, std::int64_t channels, std::int64_t kernel,
                      std::int64_t stride, std::int64_t side) {
  SCOPED_TRACE(std::to_string(in) + " to " + std::to_string(channels) + " channels, kernel " +
               std::to_string(kernel) + ", stride " + std::to_string(stride) + ", side " +
               std::to_string(side));
  EncoderLayer expand, middle;
  expand.in = in;
  expand.out = middle.in = middle.out = middle.groups = channels;
  expand.activation = middle.activation = Activation::silu;
  middle.kernel = kernel;
  middle.stride = stride;
  ASSERT_TRUE(Depthwise::supports(middle));
  const Tensor map = at::randn({side * side, in}).to(torch::kBFloat16),
               wide = at::randn({channels, in}) * 0.3, bias = at::randn({channels}),
               weight = at::randn({channels, 1, kernel, kernel}), offset = at::randn({channels});
  const Pointwise product(expand, narrow(wide), bias.data_ptr<float>());
  QuantisedRows rows;
  rows.reserve(side * side, in);
  for (std::int64_t i = 0; i < side * side; ++i) rows.set(i, bits(map) + i * in, nullptr);
  const Tensor expanded = at::empty({side * side, channels});
  product.run(rows, side * side, expanded.data_ptr<float>());
  const Padding padding = padding_of(middle, side);
  const Tensor padded =
      at::constant_pad_nd(expanded.view({1, side, side, channels}).permute({0, 3, 1, 2}),
                          {padding.before, padding.after, padding.before, padding.after});
  const std::vector<std::int64_t> steps(2, stride), none(2, 0), one(2, 1);
  const Tensor wanted = at::silu(at::conv2d(padded, weight, offset, steps, none, one, channels))
                            .squeeze(0)
                            .permute({1, 2, 0});

  const Depthwise loop(middle, side, Activation::none, weight.data_ptr<float>(),
                       offset.data_ptr<float>());
  const std::int64_t size = wanted.numel();
  const Tensor found = at::full({size + kGuard}, 7, torch::kBFloat16),
               mean = at::full({channels + kGuard}, 7, torch::kBFloat16);
  for (int round = 0; round < 2; ++round) {  // the second finds the first's rows in its memory
    loop.run(product, bits(map), bits(found), bits(mean));
    const auto off = [](const Tensor& a, const Tensor& b) {
      return ((a.to(torch::kFloat32) - b).abs() - b.abs() / 240).max().item<float>();
    };
    EXPECT_LT(off(found.narrow(0, 0, size).view(wanted.sizes()), wanted), 2e-3F);
    EXPECT_LT(off(mean.narrow(0, 0, channels), wanted.mean(at::IntArrayRef{0, 1})), 2e-3F);
    EXPECT_TRUE((found.slice(0, size) == 7).all().item<bool>()) << "what lies behind the map";
    EXPECT_TRUE((mean.slice(0, channels) == 7).all().item<bool>()) << "behind the means";
  }
}

TEST_F(PointwiseLoop, FeedsDepthwiseConvolutionsOfEveryShape) {
  for (const std::int64_t kernel : {3, 5})
    for (const std::int64_t stride : {1, 2})
      for (const std::int64_t side : {2, 7, 10, 30}) compare_expanded(24, 40, kernel, stride, side);
  compare_expanded(24, 144, 3, 2, 64);    // many bands
  compare_expanded(10, 336, 5, 1, 40);    // a band of few rows
  compare_expanded(272, 1632, 5, 1, 10);  // one band
}

double relative_error(const Tensor& found, const Tensor& wanted) {
  return ((found - wanted).norm() / wanted.norm()).item<double>();
}

/// Products of integers with scales as they come; those of the gates, a row a photo, in float32.
Encoder::Product product_of_integers(std::int64_t photos) {
  return [photos](const Tensor& rows, const Tensor& weight, const Tensor& bias) {
    if (rows.size(0) == photos) return at::addmm(bias, rows, weight.t());
    const Tensor low = std::get<0>(rows.min(1, true)).clamp_max(0),
                 high = std::get<0>(rows.max(1, true)).clamp_min(0);
    const Tensor scale = ((high - low) / 255).clamp_min(1e-30);
    const Tensor zero = at::round(-low / scale);
    const Tensor numbers = (at::round(rows / scale) + zero).clamp(0, 255);
    const Int8Weight narrowed = narrow(weight);
    return at::mm((numbers - zero) * scale, narrowed.numbers.to(torch::kFloat32).t()) *
               at::tensor(narrowed.scales) +
           bias;
  };
}

class Int8EfficientNetBase : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_pointwise() || !has_bfloat16()) GTEST_SKIP() << "this CPU or build has no such loops";
    at::manual_seed(3);
  }
  static Encoder trunk(const char* name) {
    TensorMap parameters = random_encoder(name);
    for (auto& [tensor_name, tensor] : parameters)
      if (tensor.dim() == 1) tensor.normal_(0, 0.1);
    return {name, parameters};
  }
  static Tensor plain(const Encoder& encoder, const Tensor& images,
                      const Encoder::Product& product = {}) {
    return encoder.forward(images.permute({0, 3, 1, 2}), {}, product)
        .permute({0, 2, 3, 1})
        .flatten(1, 2);
  }
};

using Int8EfficientNetPart = Int8EfficientNetBase;
class Int8EfficientNet : public Int8EfficientNetBase,
                         public testing::WithParamInterface<const char*> {};

// Whatever is a little off before a number is rounded moves some of them by a step, and so do other
// sums of gates for other numbers of photos: errors are as large as rounding's, not smaller.
TEST_P(Int8EfficientNet, IsAsNearToFloat32AsItsIntegersAloneForAnyBatchSize) {
  const torch::NoGradGuard no_grad;
  const Encoder encoder = trunk(GetParam());
  const Tensor images = at::randn({3, 64, 64, 3});
  const FastEncoder fast(encoder, 64, Precision::int8);
  EXPECT_STREQ(fast.backend(), "oneDNN int8");
  const Tensor exact = plain(encoder, images);
  const double integers = relative_error(plain(encoder, images, product_of_integers(3)), exact);
  const Tensor bfloat16 = FastEncoder(encoder, 64, Precision::bfloat16).forward(images);
  const double rounding = relative_error(bfloat16, exact),
               most = 1.3 * std::hypot(integers, rounding);
  const Tensor found = fast.forward(images);
  ASSERT_EQ(found.scalar_type(), torch::kFloat32);
  const double off = relative_error(found, exact);
  std::printf("%s: off from float32 by %.3g of the norm; integers alone %.3g, bfloat16 %.3g\n",
              GetParam(), off, integers, rounding);
  EXPECT_GT(off, integers / 2) << "nothing was rounded to eight bits";
  EXPECT_LT(off, most);
  for (std::int64_t i = 0; i < 3; ++i) {
    const Tensor one = fast.forward(images.narrow(0, i, 1));
    EXPECT_LT(relative_error(one, exact.narrow(0, i, 1)), most) << i;
  }
}

TEST_F(Int8EfficientNetPart, OfFewLayersAndManyRowsIsTheTrunkWithProductsOfIntegers) {
  const torch::NoGradGuard no_grad;
  const Encoder encoder = trunk("efficientnet_b0").until("features.2.1");
  const Tensor images = at::randn({3, 160, 160, 3});
  const Tensor exact = plain(encoder, images),
               wanted = plain(encoder, images, product_of_integers(3));
  const FastEncoder fast(encoder, 160, Precision::int8);
  const int threads = at::get_num_threads();
  for (const int count : {1, 2}) {
    at::set_num_threads(count);
    const Tensor found = fast.forward(images);
    std::printf("%d threads: off by %.3g of the norm; from float32 %.3g\n", count,
                relative_error(found, wanted), relative_error(found, exact));
    EXPECT_LT(relative_error(found, wanted), relative_error(wanted, exact));
    EXPECT_LT((found - wanted).abs().max().item<float>(), 0.1F * wanted.abs().max().item<float>());
  }
  at::set_num_threads(threads);
}

// Whole ones, one that ends in a sum over a shortcut, one that ends in a gated product.
INSTANTIATE_TEST_SUITE_P(Trunks, Int8EfficientNet,
                         testing::Values("efficientnet_b0", "tf_efficientnet_b1",
                                         "efficientnet_b0@features.6.1",
                                         "tf_efficientnet_b0@features.6.0", "tf_efficientnetv2_b0",
                                         "tf_efficientnetv2_b0@features.6.7"));

}  // namespace
}  // namespace photoscribe
