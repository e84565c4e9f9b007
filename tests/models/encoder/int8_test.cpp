// The encoder in eight bits: against plain arithmetic on integers, and against float32.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "models/encoder/calibration.h"
#include "models/encoder/fast_encoder.h"
#include "models/encoder/pointwise.h"
#include "models/open_model.h"
#include "tests/models/small_model.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

Encoder trunk(const char* name) {
  at::manual_seed(3);
  TensorMap parameters = random_encoder(name);
  for (auto& [tensor_name, tensor] : parameters)
    if (tensor.dim() == 1) tensor.normal_(0, 0.1);
  return {name, parameters};
}

Int8Scales scales_of(const Encoder& encoder, const torch::Tensor& images) {
  Calibration calibration(encoder);
  calibration.observe(images);
  return calibration.scales();
}

/// A map of integers, in double so that sums of products are exact, and its step.
struct Whole {
  torch::Tensor numbers;
  double step = 1;
  [[nodiscard]] torch::Tensor value() const { return numbers * step; }
};

Whole rounded(const torch::Tensor& value, double step, double low, double high) {
  return {at::round(value / step).clamp(low, high), step};
}

torch::Tensor convolve(const EncoderLayer& layer, const Encoder& encoder, std::size_t at,
                       const Whole& from) {
  const Int8Weight weight = narrow(encoder.weight(at));
  const torch::Tensor steps =
      at::tensor(weight.scales, torch::dtype(torch::kFloat64)).view({1, -1, 1, 1});
  // In float32, which is fast: sums stay below 2^24.
  const torch::Tensor sums =
      at::conv2d(from.numbers.to(torch::kFloat32), weight.numbers.to(torch::kFloat32), {},
                 layer.stride, layer.kernel / 2, 1, layer.groups);
  return sums.to(torch::kFloat64) * steps * from.step +
         encoder.bias(at).to(torch::kFloat64).view({1, -1, 1, 1});
}

/// What int8_layers.h describes, layer by layer; for trunks of convolutions and pooling with the
/// same padding on every side.
torch::Tensor plain(const Encoder& encoder, const Int8Scales& scales, const torch::Tensor& images) {
  Whole main = rounded(images.permute({0, 3, 1, 2}).to(torch::kFloat64),
                       static_cast<double>(scales.photos), -128, 127);
  Whole shortcut;
  const std::vector<EncoderLayer>& layers = encoder.layers();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const EncoderLayer& layer = layers[i];
    if (layer.keeps_residual) shortcut = main;
    if (layer.kind == LayerKind::max_pool) {
      main.numbers = at::max_pool2d(main.numbers, layer.kernel, layer.stride,
                                    layer.padded ? layer.kernel / 2 : 0);
      continue;
    }
    Whole& x = layer.lane == Lane::shortcut ? shortcut : main;
    torch::Tensor value = convolve(layer, encoder, i, x);
    if (layer.adds_residual) value = value + shortcut.value();
    if (is_unsigned(layer)) value = value.clamp_min(0);
    if (layer.activation == Activation::relu6) value = value.clamp_max(6);
    if (i + 1 == layers.size()) return value.permute({0, 2, 3, 1}).flatten(1, 2);
    x = is_unsigned(layer)
            ? rounded(value, static_cast<double>(scale_of(scales, layer)), 0, 255)
            : rounded(value, static_cast<double>(scale_of(scales, layer)), -128, 127);
  }
  return main.value().permute({0, 2, 3, 1}).flatten(1, 2);
}

double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

class Int8EncoderOf : public testing::TestWithParam<const char*> {};

TEST_P(Int8EncoderOf, GivesWhatPlainArithmeticOnWholeNumbersGivesForAnyBatchSize) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  const torch::NoGradGuard no_grad;
  const Encoder encoder = trunk(GetParam());
  const torch::Tensor images = at::randn({3, 64, 64, 3});
  const Int8Scales scales = scales_of(encoder, images);
  const FastEncoder fast(encoder, 64, Precision::int8, scales);
  EXPECT_STREQ(fast.backend(), "oneDNN int8");
  const torch::Tensor expected = plain(encoder, scales, images);
  for (const std::int64_t photos : {1, 3}) {
    const torch::Tensor features = fast.forward(images.narrow(0, 0, photos));
    ASSERT_EQ(features.scalar_type(), torch::kFloat32);
    const double off = distance(features.to(torch::kFloat64), expected.narrow(0, 0, photos));
    std::printf("int8: %ld photos: off by %.3g of the norm\n", photos, off);
    // Sums are exact; what is scaled in float32 may round to the other side of a half, and random
    // weights propagate that. Without a shortcut's scale, a bias or the padding's zeros it is above
    // 1.
    EXPECT_LT(off, 0.1);
  }
}

TEST(Int8Encoder, OfFewLayersIsThatArithmeticToTheStep) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  const torch::NoGradGuard no_grad;
  for (const auto& [name, block] :
       {std::pair{"mobilenet_v2", "features.3"}, std::pair{"resnet50", "layer1.1"}}) {
    const Encoder encoder = trunk(name).until(block);
    const torch::Tensor images = at::randn({3, 64, 64, 3});
    const Int8Scales scales = scales_of(encoder, images);
    const FastEncoder fast(encoder, 64, Precision::int8, scales);
    const torch::Tensor expected = plain(encoder, scales, images);
    const double off = distance(fast.forward(images).to(torch::kFloat64), expected);
    std::printf("int8: %s up to %s: off by %.3g of the norm\n", name, block, off);
    EXPECT_LT(off, 2e-3);
  }
}

TEST_P(Int8EncoderOf, IsNearFloat32) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  const torch::NoGradGuard no_grad;
  const Encoder encoder = trunk(GetParam());
  const torch::Tensor images = at::randn({4, 64, 64, 3});
  const FastEncoder fast(encoder, 64, Precision::int8, scales_of(encoder, images));
  const double off = distance(fast.forward(images), FastEncoder(encoder, 64).forward(images));
  std::printf("int8: off from float32 by %.3g of the norm\n", off);
  EXPECT_LT(off, 0.3);  // random weights propagate errors; trained ones: ADR 0013
  EXPECT_GT(off, 1e-4) << "nothing was rounded";
}

// Sums over shortcuts of both kinds, pooling inside and at the end, depthwise, grids of one.
INSTANTIATE_TEST_SUITE_P(Trunks, Int8EncoderOf,
                         testing::Values("mobilenet_v2", "resnet18", "resnet50", "vgg16"));

CaptionerConfig in_int8() {
  CaptionerConfig config{.model_folder = "tiny", .search = {}};
  config.precision = Precision::int8;
  return config;
}

void expect_captions_in_int8(const StoredModel& model) {
  const auto captioner = make_captioner(model, in_int8());
  ASSERT_TRUE(captioner) << captioner.error().message;
  EXPECT_EQ((*captioner)->precision(), "int8");
  DecodedImage grey{64, 64, 3, std::vector<std::uint8_t>(64 * 64 * 3, 128)};
  const DecodedImage* const one = &grey;
  const auto captions = (*captioner)->caption({&one, 1});
  ASSERT_TRUE(captions) << captions.error().message;
  EXPECT_LT(captions->front().log_prob, 0);
}

TEST(Int8Captioner, AsksForScalesWhereAModelHasNone) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  CaptionerConfig config = in_int8();
  StoredModel model = small_model();
  model.folder.folder = "tiny";
  const auto without = make_captioner(model, config);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, Errc::invalid_config);
  EXPECT_THAT(without.error().message, HasSubstr("photoscribe-train quantize tiny"));

  model.int8_scales = fail(Errc::model_failure, "int8.safetensors: it is damaged");
  const auto damaged = make_captioner(model, config);
  ASSERT_FALSE(damaged);
  EXPECT_THAT(damaged.error().message, HasSubstr("it is damaged"));
  config.precision = Precision::automatic;
  const auto automatic = make_captioner(model, config);
  ASSERT_TRUE(automatic) << automatic.error().message;
  EXPECT_NE((*automatic)->precision(), "int8");
}

TEST(Int8Captioner, CaptionsWithTheScalesOfItsModel) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  StoredModel model = small_model();
  at::manual_seed(5);
  model.int8_scales =
      scales_of(Encoder(model.folder.architecture.encoder, model.tensors, "encoder."),
                at::randn({4, 64, 64, 3}));
  expect_captions_in_int8(model);
}

TEST(Int8Captioner, CaptionsWithEfficientNetWithoutAFile) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  const StoredModel small = small_model();
  ModelArchitecture a = small.folder.architecture;
  a.encoder = "efficientnet_b0";
  a.feature_channels = 1280;
  const StoredModel model = random_model(a, small.vocabulary, 4);
  if (has_pointwise() && has_bfloat16()) return expect_captions_in_int8(model);
  const auto captioner = make_captioner(model, in_int8());
  ASSERT_FALSE(captioner);
  EXPECT_THAT(captioner.error().message, HasSubstr("EfficientNet"));
}

TEST(Int8Calibration, SaysThatEfficientNetNeedsNone) {
  try {
    const Calibration calibration(Encoder("efficientnet_b0", random_encoder("efficientnet_b0")));
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("needs no file"));
  }
}

TEST(Int8Layers, AChannelsLargestWeightIs127AndAnEmptyChannelStaysZero) {
  const torch::Tensor weight =
      at::tensor({0.5F, -2.0F, 0.25F, 0.0F, 0.0F, 0.0F, 1e-3F, 2e-3F, -1e-3F}).view({3, 3, 1, 1});
  const Int8Weight made = narrow(weight);
  EXPECT_TRUE(at::equal(made.numbers.flatten(), at::tensor({32, -127, 16, 0, 0, 0, 64, 127, -64},
                                                           torch::dtype(torch::kInt8))));
  EXPECT_EQ(made.numbers.sizes(), weight.sizes());
  EXPECT_FLOAT_EQ(made.scales[0], 2.0F / 127);
  EXPECT_FLOAT_EQ(made.scales[1], 1);
  EXPECT_FLOAT_EQ(made.scales[2], 2e-3F / 127);
}

TEST(Int8Layers, ARelu6NeverCountsBeyondSix) {
  EncoderLayer layer;
  layer.name = "a";
  layer.activation = Activation::relu6;
  const Int8Scales scales{{{"a", 1.0F}}, 1};
  EXPECT_FLOAT_EQ(scale_of(scales, layer), 6.0F / 255);
  layer.activation = Activation::relu;
  EXPECT_FLOAT_EQ(scale_of(scales, layer), 1);
}

TEST(Int8Layers, NameTheLayerWithoutAScaleAndKnowWhichTrunksHaveThem) {
  EncoderLayer layer;
  layer.name = "features.3.conv.2";
  EXPECT_THROW(static_cast<void>(scale_of({}, layer)), std::runtime_error);
  EXPECT_FALSE(have_fixed_scales(encoder_layers("efficientnet_b0")));
  for (const char* name : {"mobilenet_v2", "resnet50", "vgg16"}) {
    EXPECT_TRUE(have_fixed_scales(encoder_layers(name))) << name;
    EXPECT_NO_THROW(check_int8(encoder_layers(name))) << name;
  }
}

TEST(MagnitudeHistogram, CutsOffWhatIsRareAndFar) {
  MagnitudeHistogram even, tailed;
  std::vector<float> numbers;
  for (int i = 0; i <= 100'000; ++i) numbers.push_back(static_cast<float>(i) * 1e-5F);
  even.add(numbers.data(), static_cast<std::int64_t>(numbers.size()));
  EXPECT_NEAR(even.best_step(255) * 255, 1, 0.02) << "all of an even spread";
  numbers.push_back(-8);  // one of 100,000
  tailed.add(numbers.data(), static_cast<std::int64_t>(numbers.size()));
  EXPECT_LT(tailed.best_step(127) * 127, 7);
  EXPECT_GT(tailed.best_step(127) * 127, 0.9);
}

TEST(MagnitudeHistogram, DoesNotDependOnHowNumbersArrive) {
  MagnitudeHistogram once, bits;
  std::vector<float> numbers;
  for (int i = 0; i < 5'000; ++i) {
    const auto x = static_cast<float>(i);
    numbers.push_back(std::sin(x) * 0.01F * x);
  }
  once.add(numbers.data(), 5'000);
  for (int i = 0; i < 5'000; i += 100) bits.add(numbers.data() + i, 100);
  EXPECT_EQ(once.best_step(127), bits.best_step(127));
}

TEST(MagnitudeHistogram, LeavesOutMapsWithNumbersThatAreNotFinite) {
  for (const float odd : {NAN, INFINITY, -INFINITY}) {
    MagnitudeHistogram histogram;
    const std::vector<float> numbers{1, odd, 2};
    histogram.add(numbers.data(), 3);
    EXPECT_EQ(histogram.best_step(255), 1) << odd;
  }
}

TEST(MagnitudeHistogram, OfNothingButZerosStepsByOne) {
  MagnitudeHistogram histogram;
  const std::vector<float> zeros(10);
  histogram.add(zeros.data(), 10);
  EXPECT_EQ(histogram.best_step(255), 1);
}

}  // namespace
}  // namespace photoscribe
