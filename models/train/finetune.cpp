#include "models/train/finetune.h"

#include <ATen/ATen.h>

#include <cstdio>
#include <filesystem>
#include <set>

#include "models/decoder/decoder.h"
#include "models/format/model_store.h"
#include "models/train/teacher.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr int kFolds = 4;
constexpr int kHeadSteps = 50;
constexpr double kHeadRate = 3e-3;  // safe for features of a thousand channels with variance one
constexpr double kUnseen = -6;      // log-odds of a concept before its first photo
/// A word with at least this share of the likeliest word's probability is no surprise.
constexpr double kSurprise = 0.3;

struct Head {
  Tensor weight, bias;  // (M,C) (M)

  [[nodiscard]] Tensor predict(const Tensor& x) const {
    return at::sigmoid(at::linear(x, weight, bias));
  }
};

/// Plain gradient descent on the cross entropy: where there is no error, nothing changes.
Head moved(const Head& start, const Tensor& x, const Tensor& wanted) {
  Head head{start.weight.clone(), start.bias.clone()};
  for (int step = 0; step < kHeadSteps; ++step) {
    const Tensor error = (head.predict(x) - wanted) / x.size(0);
    head.weight -= kHeadRate * at::mm(error.t(), x);
    head.bias -= kHeadRate * error.sum(0);
  }
  return head;
}

/// Mixes the captions' own words into the teacher's probabilities: the less likely it finds a word,
/// the larger the word's share.
void correct_surprises(TensorMap& tensors) {
  Tensor &words = tensors.at("words"), &probabilities = tensors.at("probabilities");  // (P,K)
  const Tensor own = tensors.at("targets").unsqueeze(1);                              // (P,1)
  const Tensor p = probabilities.to(torch::kFloat32);
  const Tensor likely = (p * words.eq(own)).sum(1, /*keepdim=*/true);
  const Tensor trust =
      (likely / (kSurprise * p.amax(1, /*keepdim=*/true)).clamp_min(1e-6)).clamp_max(1);
  words = at::cat({words, own}, 1);
  probabilities = at::cat({p * trust, 1 - trust}, 1).to(torch::kHalf);
}

}  // namespace

bool is_fine_tuning(const FitOptions& o) {
  std::error_code ignored;
  return o.encoder.empty() && o.concepts.empty() && o.text.empty() &&
         std::filesystem::is_directory(o.start, ignored);
}

Expected<Vocabulary> extend_vocabulary(const std::vector<std::string>& start,
                                       const std::vector<CaptionedPhoto>& photos,
                                       const VocabularySettings& settings) {
  const std::set<std::string> known(start.begin(), start.end());
  std::vector<std::string> words(start.begin() + kUnknownToken + 1, start.end());
  // An archive may be so small that no word occurs often enough.
  const auto in_captions = make_vocabulary(photos, {}, settings);
  for (std::int64_t word = kUnknownToken + 1; in_captions && word < in_captions->size(); ++word)
    if (!known.contains(in_captions->word(word))) words.push_back(in_captions->word(word));
  return Vocabulary::make(words);
}

std::vector<ConceptEntry> extend_concepts(const Start& start, const Vocabulary& vocabulary) {
  std::vector<ConceptEntry> concepts = start.concepts;
  for (auto word = static_cast<std::int64_t>(start.words.size());
       !concepts.empty() && word < vocabulary.size(); ++word)
    concepts.push_back({{vocabulary.word(word)}, {}});
  return concepts;
}

ConceptHead keep_concept_head(const TensorMap& decoder, const Tensor& mean, const Tensor& named,
                              std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  at::manual_seed(seed);
  const Tensor x = (mean - decoder.at("decoder.concept.feature.mean")) /
                   decoder.at("decoder.concept.feature.std");
  const Tensor &weight = decoder.at("decoder.concept.head.weight"),
               &bias = decoder.at("decoder.concept.head.bias");
  const std::int64_t fresh = named.size(1) - bias.size(0);  // concepts that are new to it
  const Head start{at::cat({weight, at::zeros({fresh, weight.size(1)})}),
                   at::cat({bias, at::full({fresh}, kUnseen)})};
  const Tensor own = start.predict(x), wanted = at::max(own, named);
  ConceptHead kept;
  kept.probabilities = own.clone();
  const Tensor fold = at::randperm(x.size(0)).remainder(kFolds);
  for (int k = 0; k < kFolds; ++k) {
    const Tensor training = at::nonzero(fold.ne(k)).view({-1}),
                 rest = at::nonzero(fold.eq(k)).view({-1});
    if (rest.size(0) == 0 || training.size(0) == 0) continue;
    const Head head = moved(start, x.index_select(0, training), wanted.index_select(0, training));
    kept.probabilities.index_copy_(0, rest, head.predict(x.index_select(0, rest)));
  }
  const Head head = moved(start, x, wanted);
  kept.parameters = {{"decoder.concept.head.weight", head.weight},
                     {"decoder.concept.head.bias", head.bias}};
  return kept;
}

Status teach_by_start(const FitOptions& o, const std::vector<CaptionedPhoto>& train,
                      const Vocabulary& vocabulary, const std::string& path) {
  const auto model = load_model(o.start);
  if (!model) return fail(model.error());
  TeachOptions options;
  options.words_max = o.search.tokens_max;
  TensorMap tensors = teacher_targets(options, {&*model}, train, vocabulary);
  correct_surprises(tensors);
  return save_tensors(path, tensors);
}

void hold_parameters(Guides& guides, const TensorMap& decoder) {
  if (guides.teacher == nullptr) return;
  for (const auto& [name, tensor] : decoder)
    if (is_trained_by_captions(name)) guides.held.emplace(name, tensor.detach().clone());
}

Status keep_confidence(const FitOptions& o) {
  const auto start = read_model_folder(o.start);
  if (!start) return fail(start.error());
  if (!start->confidence) return {};
  if (Status s = write_confidence(o.output, *start->confidence); !s) return s;
  std::fprintf(stderr,
               "its confidence is still that of %s; photoscribe confidence --write %s fits it "
               "again on captioned photos that it was not trained on\n",
               o.start.c_str(), o.output.c_str());
  return {};
}

}  // namespace photoscribe
