#include "models/train/loss/concept_head.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unordered_map>

#include "models/train/loss/adam.h"
#include "models/train/loss/mixed.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr int kFolds = 4;
constexpr std::int64_t kEpochs = 30, kStepsMin = 1'500;
constexpr std::int64_t kBatch = 256;
constexpr double kRate = 1e-3, kDecay = 0.03, kInputDropout = 0.3;
constexpr std::size_t kEnoughCaptions = 3;  // captions that together name most of what is there
constexpr float kUnnamedWeight = 0.25F;     // weight of "not named" with fewer captions

struct Head {
  Tensor weight, bias;  // (M,C) (M)
};

/// The loss of a photo and a concept is weight * cross entropy; its gradient with respect to the
/// log-odds is weight * (sigmoid - target).
Head fit_one(const Tensor& x, const ConceptTargets& targets, const Tensor& rows) {
  const std::int64_t P = rows.size(0), C = x.size(1), M = targets.probability.size(1);
  const Tensor share = (targets.probability * targets.weight).index_select(0, rows).sum(0) /
                       targets.weight.index_select(0, rows).sum(0).clamp_min(1);
  const Head head{at::zeros({M, C}), at::logit(share.clamp(1e-5, 0.99))};
  AdamSettings settings;
  settings.weight_decay = kDecay;
  settings.clip_norm = 0;
  Adam adam({{"bias", head.bias}, {"weight", head.weight}}, settings);
  const std::int64_t per_epoch = (P + kBatch - 1) / kBatch;
  const std::int64_t all = std::max(kEpochs * per_epoch, kStepsMin);
  std::int64_t step = 0;
  while (step < all) {
    const Tensor order = rows.index_select(0, at::randperm(P));
    for (std::int64_t first = 0; first < P && step < all; first += kBatch) {
      const Tensor some = order.slice(0, first, std::min(P, first + kBatch));
      const Tensor inputs = at::dropout(x.index_select(0, some), kInputDropout, true);
      const Tensor predicted = at::sigmoid(mixed_linear(inputs, head.weight, head.bias));
      const Tensor error = (predicted - targets.probability.index_select(0, some)) *
                           targets.weight.index_select(0, some) / some.size(0);
      head.weight.mutable_grad() = product(error.t(), inputs);
      head.bias.mutable_grad() = error.sum(0);
      adam.step(kRate * (1 - static_cast<double>(step) / static_cast<double>(all)));
      ++step;
    }
  }
  return head;
}

}  // namespace

Expected<ConceptLabels> read_concept_labels(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::invalid_config, path + ": cannot be opened");
  ConceptLabels labels;
  std::int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Status read = guard(Errc::invalid_config, path + ", line " + std::to_string(number), [&] {
      const auto object = nlohmann::json::parse(line);
      auto& own = labels[object.at("id").get<std::string>()];
      for (const auto& [word, probability] : object.at("concepts").items()) {
        const auto p = probability.get<float>();
        if (!(p >= 0 && p <= 1))
          throw std::runtime_error("the probability of '" + word + "' is not in 0 to 1");
        own.emplace_back(word, p);
      }
    });
    if (!read) return fail(read.error());
  }
  return labels;
}

ConceptTargets concept_targets(const std::vector<CaptionedPhoto>& photos,
                               const ConceptLabels& labels,
                               const std::vector<ConceptEntry>& concepts) {
  std::unordered_map<std::string, std::int64_t> of_word;
  for (std::size_t m = 0; m < concepts.size(); ++m)
    for (const std::string& word : concepts[m].words)
      of_word.emplace(word, static_cast<std::int64_t>(m));
  const auto P = static_cast<std::int64_t>(photos.size()),
             M = static_cast<std::int64_t>(concepts.size());
  ConceptTargets targets{at::zeros({P, M}), at::ones({P, M}),
                         at::zeros({P, M}, torch::dtype(torch::kBool))};
  auto probability = targets.probability.accessor<float, 2>();
  auto weight = targets.weight.accessor<float, 2>();
  auto unknown = targets.unknown.accessor<bool, 2>();
  for (std::int64_t i = 0; i < P; ++i) {
    const CaptionedPhoto& photo = photos[static_cast<std::size_t>(i)];
    if (photo.captions.size() < kEnoughCaptions)
      for (std::int64_t m = 0; m < M; ++m) {
        weight[i][m] = kUnnamedWeight;
        unknown[i][m] = true;
      }
    if (const auto found = labels.find(photo.name); found != labels.end()) {
      for (const auto& [word, p] : found->second)
        if (const auto m = of_word.find(word); m != of_word.end()) {
          probability[i][m->second] = std::max(probability[i][m->second], p);
          weight[i][m->second] = std::max(weight[i][m->second], p > 0 ? p : 1);
          unknown[i][m->second] = false;
        }
    }
    for (const Tokens& caption : photo.captions)
      for (const std::string& word : caption)
        if (const auto m = of_word.find(word); m != of_word.end())
          probability[i][m->second] = weight[i][m->second] = 1, unknown[i][m->second] = false;
    if (photo.times > 1)
      for (std::int64_t m = 0; m < M; ++m) weight[i][m] *= static_cast<float>(photo.times);
  }
  return targets;
}

Tensor concept_log_odds(const TensorMap& decoder, const Tensor& mean, double input_dropout) {
  const Tensor x = (mean - decoder.at("decoder.concept.feature.mean")) /
                   decoder.at("decoder.concept.feature.std");
  return at::linear(at::dropout(x, input_dropout, input_dropout > 0),
                    decoder.at("decoder.concept.head.weight"),
                    decoder.at("decoder.concept.head.bias"));
}

ConceptHead fit_concept_head(const Tensor& features, const ConceptTargets& targets,
                             std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  at::manual_seed(seed);
  const std::int64_t P = features.size(0);
  const Tensor mean = features.mean(0);
  const Tensor std = (features - mean).square().mean(0).sqrt().clamp_min(1e-3);
  const Tensor x = (features - mean) / std;
  ConceptHead result;
  result.probabilities = at::empty({P, targets.probability.size(1)});
  const Tensor fold = at::randperm(P).remainder(kFolds);
  for (int k = 0; k < kFolds; ++k) {
    std::fprintf(stderr, "concepts: fitting head %d of %d\n", k + 1, kFolds + 1);
    const Head head = fit_one(x, targets, at::nonzero(fold.ne(k)).view({-1}));
    const Tensor rest = at::nonzero(fold.eq(k)).view({-1});
    result.probabilities.index_copy_(
        0, rest, at::sigmoid(at::linear(x.index_select(0, rest), head.weight, head.bias)));
  }
  std::fprintf(stderr, "concepts: fitting head %d of %d\n", kFolds + 1, kFolds + 1);
  const Head head = fit_one(x, targets, at::arange(P));
  result.parameters = {{"decoder.concept.feature.mean", mean},
                       {"decoder.concept.feature.std", std},
                       {"decoder.concept.head.weight", head.weight},
                       {"decoder.concept.head.bias", head.bias}};
  return result;
}

}  // namespace photoscribe
