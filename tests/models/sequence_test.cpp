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

ModelArchitecture small() {
  ModelArchitecture a;
  a.feature_channels = 12;
  a.annotation_size = 9;
  a.embedding_size = 11;
  a.hidden_size = 7;
  a.attention_size = 5;
  return a;
}

DecoderParameters leaves(const TensorMap& tensors) {
  DecoderParameters p = take_decoder(tensors, small(), kWords);
  p.each([](const char*, torch::Tensor& tensor) {
    tensor = (tensor * 3).detach().requires_grad_();  // large enough that every gradient counts
  });
  return p;
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
  const auto pick = [&](const torch::Tensor& x) { return x.index_select(0, b.photo_of_row); };
  const torch::Tensor values = pick(photo.values), keys = pick(photo.keys);
  torch::Tensor h = pick(photo.h), c = pick(photo.c);
  std::vector<torch::Tensor> logits;
  torch::Tensor looked = at::zeros({values.size(0), values.size(1)});
  for (std::size_t t = 0; t < b.packing.counts.size(); ++t) {
    const std::int64_t n = b.packing.counts[t], first = b.packing.offsets[t];
    torch::Tensor alpha;
    h = h.narrow(0, 0, n);
    c = c.narrow(0, 0, n);
    logits.push_back(reference_step(p, values.narrow(0, 0, n), keys.narrow(0, 0, n),
                                    b.inputs.narrow(0, first, n), h, c, &alpha));
    looked = looked + at::cat({alpha, at::zeros({looked.size(0) - n, looked.size(1)})});
  }
  return at::cross_entropy_loss(at::cat(logits), b.targets, {}, at::Reduction::Mean, kUnknownToken,
                                settings.label_smoothing) +
         settings.attention_penalty * (1 - looked).square().mean();
}

TEST(Sequence, GradientsAreThoseOfTheReferenceStep) {
  at::manual_seed(3);
  const TensorMap tensors = random_decoder(small(), kWords);
  const torch::Tensor pixels = at::randn({2, 6, 12});
  DecoderParameters ours = leaves(tensors), theirs = leaves(tensors);
  const torch::Tensor our_features = pixels.clone().requires_grad_();
  const torch::Tensor their_features = pixels.clone().requires_grad_();

  const Loss loss = caption_loss(ours, our_features, batch(), plain());
  const torch::Tensor reference = reference_loss(theirs, their_features, batch(), plain());
  EXPECT_NEAR(loss.total.item<double>(), reference.item<double>(), 1e-5);
  loss.total.backward();
  reference.backward();

  TensorMap expected = tensors_of(theirs);
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
  ours.each([&](const std::string& name, torch::Tensor& tensor) {
    compare(name, tensor.grad(), expected.at(name).grad());
  });
  compare("features", our_features.grad(), their_features.grad());
  std::printf("largest relative difference of a gradient: %.3g\n", largest);
}

TEST(Sequence, PackingCountsTheRowsOfEachStep) {
  const Packing packing = pack({4, 2, 2, 1});
  EXPECT_EQ(packing.counts, (std::vector<std::int64_t>{4, 3, 1, 1}));
  EXPECT_EQ(packing.offsets, (std::vector<std::int64_t>{0, 4, 7, 8}));
  EXPECT_EQ(packing.total, 9);
}

}  // namespace
}  // namespace photoscribe
