// replace-encoder: the decoder keeps what it knows under an encoder that shows it something else.
#include "models/train/replace_encoder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/encoder/fast_encoder.h"
#include "models/format/model_store.h"
#include "models/train/features.h"
#include "tests/models/train/fit_fixture.h"
#include "tests/models/train/train_process.h"

namespace photoscribe {
namespace {

using test::Ended;
using test::run_train;
using testing::HasSubstr;

class ReplaceEncoder : public test::Fit {
 protected:
  std::string model(bool concepts) {
    FitOptions o = options("old");
    if (concepts) {
      o.concepts = folder_.write("concepts.txt", "grass\nsea\nwall\n");
      o.architecture.concept_slots = 2;
    }
    o.epochs = 1;
    const Status status = fit(o);
    EXPECT_TRUE(status) << status.error().message;
    return o.output;
  }

  ReplaceEncoderOptions replace_options(const std::string& model,
                                        const std::string& encoder) const {
    ReplaceEncoderOptions o;
    o.model = model;
    o.encoder = encoder;
    o.sources = {{folder_.path().string()}, {captions_}};
    o.output = folder_.file("new");
    return o;
  }

  /// What the decoder sees of a photo: (L,D), before its ReLU.
  torch::Tensor seen(const StoredModel& model, const std::string& name) const {
    const ModelArchitecture& a = model.folder.architecture;
    const auto photo = read_photo(folder_.file(name), a.input_side_px);
    EXPECT_TRUE(photo);
    const torch::NoGradGuard no_grad;
    const torch::Tensor features = Encoder(a.encoder, model.tensors, "encoder.")
                                       .forward(normalise(*photo, a).unsqueeze(0))
                                       .permute({0, 2, 3, 1})
                                       .flatten(1, 2);
    return at::linear(features, model.tensors.at("decoder.annotate.weight"),
                      model.tensors.at("decoder.annotate.bias"))[0];
  }
};

/// The same features with their channels in another order and of other sizes: a linear map undoes
/// that, so the decoder sees what it saw.
TEST_F(ReplaceEncoder, DecoderSeesWhatItSawWhereALinearMapCanShowIt) {
  const std::string old = model(false);
  auto before = load_model(old);
  ASSERT_TRUE(before);
  TensorMap shuffled;
  const torch::Tensor order = at::randperm(1280), size = at::rand({1280}) * 0.5 + 0.5;
  for (const auto& [name, tensor] : before->tensors)
    if (name.starts_with("encoder.")) shuffled.emplace(name.substr(8), tensor.clone());
  // ReLU6 keeps the product with sizes up to 1 of what is below its end.
  shuffled["features.18.0.weight"] =
      (shuffled["features.18.0.weight"] * size.view({-1, 1, 1, 1})).index_select(0, order);
  shuffled["features.18.0.bias"] = (shuffled["features.18.0.bias"] * size).index_select(0, order);
  const std::string file = folder_.file("shuffled.safetensors");
  ASSERT_TRUE(save_tensors(file, shuffled));

  const Status status = replace_encoder(replace_options(old, file));
  ASSERT_TRUE(status) << status.error().message;
  const auto after = load_model(folder_.file("new"));
  ASSERT_TRUE(after) << after.error().message;
  const torch::Tensor was = seen(*before, "red1.bmp"), is = seen(*after, "red1.bmp");
  EXPECT_LT((is - was).abs().max().item<double>(), 0.02 * was.abs().max().item<double>());
  // With the old layer it would have seen something else.
  auto wrong = *after;
  wrong.tensors["decoder.annotate.weight"] = before->tensors.at("decoder.annotate.weight");
  wrong.tensors["decoder.annotate.bias"] = before->tensors.at("decoder.annotate.bias");
  EXPECT_GT((seen(wrong, "red1.bmp") - was).abs().max().item<double>(),
            0.2 * was.abs().max().item<double>());
  for (const auto& [name, tensor] : before->tensors) {
    if (!name.starts_with("decoder.") || name.starts_with("decoder.annotate.")) continue;
    EXPECT_TRUE(at::equal(tensor, after->tensors.at(name))) << name;
  }
  EXPECT_EQ(after->vocabulary.words(), before->vocabulary.words());
}

TEST_F(ReplaceEncoder, TakesAnotherArchitectureOfAnotherSideAndFitsTheClassifier) {
  const std::string old = model(true);
  at::manual_seed(5);
  const std::string file = folder_.file("v2.safetensors");
  ASSERT_TRUE(save_tensors(file, random_encoder("tf_efficientnetv2_b0"),
                           {{"architecture", "tf_efficientnetv2_b0"}}));
  const Ended ended = run_train({"replace-encoder", old, "--encoder", file, "--side", "64",
                                 "--photos", folder_.path().string(), "--captions", captions_,
                                 "--output", folder_.file("new"), "--threads", "1"});
  ASSERT_EQ(ended.outcome, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("12 photos; the new features explain"));
  const auto after = load_model(folder_.file("new"));
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->folder.architecture.encoder, "tf_efficientnetv2_b0");
  EXPECT_EQ(after->folder.architecture.input_side_px, 64);
  const auto before = load_model(old);
  ASSERT_TRUE(before);
  EXPECT_FALSE(at::equal(before->tensors.at("decoder.concept.head.weight"),
                         after->tensors.at("decoder.concept.head.weight")));
  // It goes on from there.
  FitOptions next = options("next");
  next.encoder.clear();
  next.start = folder_.file("new");
  next.architecture = after->folder.architecture;
  next.epochs = 1;
  const Status status = fit(next);
  EXPECT_TRUE(status) << status.error().message;

  // A model's folder gives its encoder with its side.
  ReplaceEncoderOptions back = replace_options(folder_.file("new"), old);
  back.output = folder_.file("back");
  const Status replaced = replace_encoder(back);
  ASSERT_TRUE(replaced) << replaced.error().message;
  const auto again = load_model(back.output);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->folder.architecture.encoder, "mobilenet_v2");
  EXPECT_EQ(again->folder.architecture.input_side_px, test::kSide);
}

TEST_F(ReplaceEncoder, SaysWhatIsNoEncoder) {
  const std::string old = model(false);
  const Status words = replace_encoder(replace_options(old, captions_));
  ASSERT_FALSE(words);
  EXPECT_THAT(words.error().message, HasSubstr(captions_));
  const Status whole = replace_encoder(replace_options(old, old + "/weights.safetensors"));
  ASSERT_FALSE(whole);
  EXPECT_THAT(whole.error().message, HasSubstr("holds a whole model"));
  const Ended odd = run_train({"replace-encoder", old, "--encoder", old, "--side", "100",
                               "--photos", folder_.path().string(), "--captions", captions_,
                               "--output", folder_.file("new")});
  EXPECT_EQ(odd.outcome, 2);
  EXPECT_THAT(odd.output, HasSubstr("multiple of 32"));
}

TEST(RidgeRegression, FindsTheMapThatMadeTheRows) {
  at::manual_seed(3);
  const torch::Tensor weight = at::randn({3, 5}), bias = at::randn({3}), x = at::randn({400, 5});
  const torch::Tensor y = at::linear(x, weight, bias);
  RidgeRegression regression(5, 3);
  regression.add(x.slice(0, 0, 150), y.slice(0, 0, 150));
  regression.add(x.slice(0, 150), y.slice(0, 150));
  const RidgeRegression::Result found = regression.solve(1e-9);
  EXPECT_TRUE(at::allclose(found.weight, weight, 1e-4, 1e-4));
  EXPECT_TRUE(at::allclose(found.bias, bias, 1e-4, 1e-4));
  EXPECT_NEAR(found.explained, 1, 1e-6);
  RidgeRegression noise(5, 3);
  noise.add(x, at::randn({400, 3}));
  EXPECT_LT(noise.solve(1e-3).explained, 0.1);
  EXPECT_THROW(static_cast<void>(RidgeRegression(2, 2).solve(1e-3)), std::runtime_error);
}

}  // namespace
}  // namespace photoscribe
