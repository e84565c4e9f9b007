// Whole captions through the decoder against reference_step, forward and backward.
#include "models/train/loss/sequence.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include "models/train/loss/loss.h"
#include "tests/models/decoder/small_decoder.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kVocabulary = 30;

TensorMap leaves(const TensorMap& tensors) {
  TensorMap all;
  for (const auto& [name, tensor] : tensors)  // large enough that every gradient counts
    all.emplace(name,
                is_trained_by_captions(name) ? (tensor * 3).detach().requires_grad_() : tensor);
  return all;
}

/// Four concepts, two of them used, named by words 5, 9, 10 and 20.
ModelArchitecture with_concepts(const std::string& name) {
  ModelArchitecture a = small_decoder(name);
  a.concepts = 4;
  a.concept_slots = 2;
  return a;
}
TensorMap random_with_concepts(const ModelArchitecture& architecture) {
  TensorMap tensors = random_decoder(architecture, kVocabulary);
  tensors["decoder.concept.name"] = at::tensor({5, 9, 10, 20}, torch::kInt64);
  tensors["decoder.concept.of_word"] = at::full({kVocabulary}, -1, torch::kInt64);
  for (int m = 0; m < 4; ++m)
    tensors["decoder.concept.of_word"][tensors["decoder.concept.name"][m].item<std::int64_t>()] = m;
  return tensors;
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
                             const Batch& b, const LossSettings& settings,
                             const torch::Tensor& concepts = {}) {
  const Annotations photo = annotate(p, features, 0, concepts);
  const auto pick = [&](const torch::Tensor& x) {
    return x.defined() ? x.index_select(0, b.photo_of_row) : x;
  };
  Annotations all;
  all.values = pick(photo.values);
  all.keys = pick(photo.keys);
  all.fixed = pick(photo.fixed);
  all.odds = pick(photo.odds);
  torch::Tensor h = pick(photo.h), c = pick(photo.c);
  std::vector<torch::Tensor> logits;
  torch::Tensor attention_sums = at::zeros({all.values.size(0), all.values.size(1)});
  bool attends = false;
  for (std::size_t t = 0; t < b.packing.counts.size(); ++t) {
    const std::int64_t n = b.packing.counts[t], first = b.packing.offsets[t];
    const auto some = [n](const torch::Tensor& x) { return x.defined() ? x.narrow(0, 0, n) : x; };
    Annotations here;
    here.values = some(all.values);
    here.keys = some(all.keys);
    here.fixed = some(all.fixed);
    here.odds = some(all.odds);
    torch::Tensor alpha;
    h = some(h);
    c = some(c);
    logits.push_back(reference_step(p, here, b.inputs.narrow(0, first, n), h, c, &alpha));
    attends = alpha.defined();
    if (attends)
      attention_sums =
          attention_sums +
          at::cat({alpha, at::zeros({attention_sums.size(0) - n, attention_sums.size(1)})});
  }
  const torch::Tensor loss = at::cross_entropy_loss(
      at::cat(logits), b.targets, {}, at::Reduction::Mean, kUnknownToken, settings.label_smoothing);
  // The penalty is about the grid alone.
  if (attends && features.defined()) attention_sums = attention_sums.narrow(1, 0, features.size(1));
  return attends && features.defined()
             ? loss + settings.attention_penalty * (1 - attention_sums).square().mean()
             : loss;
}

class SequenceOf : public testing::TestWithParam<std::string> {};

/// Compares the gradients of leaves; `silent` have none.
void compare_gradients(const TensorMap& ours, const TensorMap& theirs,
                       const std::set<std::string>& silent = {}) {
  double largest = 0;
  for (const auto& [name, tensor] : ours) {
    if (!tensor.requires_grad() || silent.contains(name)) continue;
    const torch::Tensor a = tensor.grad(), b = theirs.at(name).grad();
    ASSERT_TRUE(a.defined() && b.defined()) << name;
    const double scale = b.abs().max().item<double>();
    const double difference = (a - b).abs().max().item<double>() / std::max(scale, 1e-6);
    EXPECT_GT(scale, 1e-7) << name << ": nothing to compare";
    EXPECT_LT(difference, 2e-4) << name;
    largest = std::max(largest, difference);
  }
  std::printf("largest relative difference of a gradient: %.3g\n", largest);
}

TEST_P(SequenceOf, GradientsAreThoseOfTheReferenceStep) {
  at::manual_seed(3);
  const ModelArchitecture architecture = small_decoder(GetParam());
  const TensorMap tensors = random_decoder(architecture, kVocabulary);
  const torch::Tensor pixels = at::randn({2, 6, 12});
  TensorMap ours = leaves(tensors), theirs = leaves(tensors);
  ours["features"] = pixels.clone().requires_grad_();
  theirs["features"] = pixels.clone().requires_grad_();

  const Loss loss = caption_loss(take_decoder(ours, architecture, kVocabulary),
                                 {ours["features"], {}}, batch(), plain());
  const torch::Tensor reference = reference_loss(take_decoder(theirs, architecture, kVocabulary),
                                                 theirs["features"], batch(), plain());
  EXPECT_NEAR(loss.total.item<double>(), reference.item<double>(), 1e-5);
  loss.total.backward();
  reference.backward();
  compare_gradients(ours, theirs);
}

TEST_P(SequenceOf, GradientsWithConceptsAreThoseOfTheReferenceStep) {
  const std::set<std::string> attending{"show_attend_tell", "top_down", "attend_on_attend"};
  if (!attending.contains(GetParam())) GTEST_SKIP() << "does not use concepts";
  const ModelArchitecture architecture = with_concepts(GetParam());
  const torch::Tensor detected =
      at::tensor({0.9F, 0.1F, 0.4F, 0.2F, 0.1F, 0.3F, 0.2F, 0.8F}).view({2, 4});  // of two photos
  for (const bool photos : {true, false}) {
    SCOPED_TRACE(photos ? "with photos" : "of text alone");
    at::manual_seed(3);
    const TensorMap tensors = random_with_concepts(architecture);
    TensorMap ours = leaves(tensors), theirs = leaves(tensors);
    const torch::Tensor features = photos ? at::randn({2, 6, 12}) : torch::Tensor();
    const Loss loss = caption_loss(take_decoder(ours, architecture, kVocabulary),
                                   {features, detected}, batch(), plain());
    const torch::Tensor reference = reference_loss(take_decoder(theirs, architecture, kVocabulary),
                                                   features, batch(), plain(), detected);
    EXPECT_NEAR(loss.total.item<double>(), reference.item<double>(), 1e-5);
    loss.total.backward();
    reference.backward();
    compare_gradients(
        ours, theirs,
        photos ? std::set<std::string>{"decoder.concept.nothing"}
               : std::set<std::string>{"decoder.annotate.weight", "decoder.annotate.bias"});
  }
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
