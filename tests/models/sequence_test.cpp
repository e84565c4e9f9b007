// Whole captions through the decoder against reference_step, forward and backward.
#include "models/train/sequence.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "models/train/loss.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kWords = 30;

ModelArchitecture small(const std::string& name) {
  ModelArchitecture a;
  a.decoder = name;
  a.feature_channels = 12;
  a.annotation_size = 9;
  a.embedding_size = 11;
  a.hidden_size = 7;
  a.attention_size = 5;
  return a;
}

TensorMap leaves(const TensorMap& tensors) {
  TensorMap all;
  for (const auto& [name, tensor] : tensors)  // large enough that every gradient counts
    all.emplace(name, (tensor * 3).detach().requires_grad_());
  return all;
}

/// Three captions of two photos, of 5, 3 and 2 words with their ends.
Batch batch() {
  Batch b;
  b.packing = pack({5, 3, 2});
  b.photo_of_row = at::tensor({0, 1, 0}, torch::kInt64);
  const std::vector<std::vector<std::int64_t>> rows{{4, 5, 6, 7, 2}, {8, 9, 2}, {10, 2}};
  std::vector<std::int64_t> inputs, targets;
  for (std::size_t t = 0; t < b.packing.counts.size(); ++t) {
    for (std::size_t r = 0; r < static_cast<std::size_t>(b.packing.counts[t]); ++r) {
      inputs.push_back(t == 0 ? kStartToken : rows[r][t - 1]);
      targets.push_back(rows[r][t]);
    }
  }
  b.inputs = at::tensor(inputs);
  b.targets = at::tensor(targets);
  return b;
}

LossSettings plain() {
  LossSettings s;
  s.dropout = 0;
  return s;
}

/// The same loss, step by step in LibTorch's own operations.
torch::Tensor reference_loss(const DecoderParameters& p, const torch::Tensor& features,
                             const Batch& b, const LossSettings& settings) {
  const Annotations photo = annotate(p, features);
  const auto pick = [&](const torch::Tensor& x) {
    return x.defined() ? x.index_select(0, b.photo_of_row) : x;
  };
  const Annotations all{pick(photo.values), pick(photo.keys), pick(photo.fixed),
                        pick(photo.h),      pick(photo.c),    {}};
  torch::Tensor h = all.h, c = all.c;
  std::vector<torch::Tensor> logits;
  torch::Tensor looked = at::zeros({all.values.size(0), all.values.size(1)});
  bool looks = false;
  for (std::size_t t = 0; t < b.packing.counts.size(); ++t) {
    const std::int64_t n = b.packing.counts[t], first = b.packing.offsets[t];
    const auto some = [n](const torch::Tensor& x) { return x.defined() ? x.narrow(0, 0, n) : x; };
    const Annotations here{some(all.values), some(all.keys), some(all.fixed), {}, {}, {}};
    torch::Tensor alpha;
    h = some(h);
    c = some(c);
    logits.push_back(reference_step(p, here, b.inputs.narrow(0, first, n), h, c, &alpha));
    looks = alpha.defined();
    if (looks) looked = looked + at::cat({alpha, at::zeros({looked.size(0) - n, looked.size(1)})});
  }
  const torch::Tensor loss = at::cross_entropy_loss(
      at::cat(logits), b.targets, {}, at::Reduction::Mean, kUnknownToken, settings.label_smoothing);
  return looks ? loss + settings.attention_penalty * (1 - looked).square().mean() : loss;
}

class SequenceOf : public testing::TestWithParam<std::string> {};

TEST_P(SequenceOf, GradientsAreThoseOfTheReferenceStep) {
  at::manual_seed(3);
  const ModelArchitecture architecture = small(GetParam());
  const TensorMap tensors = random_decoder(architecture, kWords);
  const torch::Tensor pixels = at::randn({2, 6, 12});
  const TensorMap ours = leaves(tensors), theirs = leaves(tensors);
  const torch::Tensor our_features = pixels.clone().requires_grad_();
  const torch::Tensor their_features = pixels.clone().requires_grad_();

  const Loss loss =
      caption_loss(take_decoder(ours, architecture, kWords), our_features, batch(), plain());
  const torch::Tensor reference =
      reference_loss(take_decoder(theirs, architecture, kWords), their_features, batch(), plain());
  EXPECT_NEAR(loss.total.item<double>(), reference.item<double>(), 1e-5);
  loss.total.backward();
  reference.backward();

  double largest = 0;
  const auto compare = [&](const std::string& name, const torch::Tensor& a,
                           const torch::Tensor& b) {
    ASSERT_TRUE(a.defined() && b.defined()) << name;
    const double scale = b.abs().max().item<double>();
    const double difference = (a - b).abs().max().item<double>() / std::max(scale, 1e-6);
    EXPECT_GT(scale, 1e-7) << name << ": nothing to compare";
    EXPECT_LT(difference, 2e-4) << name;
    largest = std::max(largest, difference);
  };
  for (const auto& [name, tensor] : ours) compare(name, tensor.grad(), theirs.at(name).grad());
  compare("features", our_features.grad(), their_features.grad());
  std::printf("largest relative difference of a gradient: %.3g\n", largest);
}

INSTANTIATE_TEST_SUITE_P(Decoders, SequenceOf, testing::ValuesIn(decoder_names()),
                         [](const auto& tested) { return tested.param; });

TEST(Sequence, PackingCountsTheRowsOfEachStep) {
  const Packing packing = pack({4, 2, 2, 1});
  EXPECT_EQ(packing.counts, (std::vector<std::int64_t>{4, 3, 1, 1}));
  EXPECT_EQ(packing.offsets, (std::vector<std::int64_t>{0, 4, 7, 8}));
  EXPECT_EQ(packing.total, 9);
}

}  // namespace
}  // namespace photoscribe
