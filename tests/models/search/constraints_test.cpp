// Concepts that a model is sure of are named in the caption: constrained beam search.
#include "models/search/constraints.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "models/format/concepts.h"
#include "models/format/vocabulary.h"
#include "models/search/search.h"
#include "tests/models/decoder/small_decoder.h"
#include "tests/models/search/next_word.h"

namespace photoscribe {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<ConceptEntry> kThings{
    {{"pizza"}, {}}, {{"dog", "dogs", "puppy"}, {}}, {{"cat"}, {}}};

Vocabulary vocabulary() {
  return *Vocabulary::make({"a", "pizza", "dog", "dogs", "puppy", "cat", "eats"});
}

ModelArchitecture small(double said_min, const std::string& decoder = "show_attend_tell") {
  ModelArchitecture a = small_decoder(decoder);
  a.concepts = 3;
  a.concept_slots = 2;
  a.concept_said_min = said_min;
  return a;
}

/// Words by their log-odds at each position, whatever the words before, for a photo with the
/// classifier's `probabilities`. Other words are very unlikely.
TensorMap speaks_by_heart(const std::vector<std::pair<const char*, double>>& words,
                          const std::vector<float>& probabilities) {
  at::manual_seed(2);
  const Vocabulary known = vocabulary();
  TensorMap tensors = random_decoder(small(0), known.size());
  add_concept_numbers(tensors, kThings, known);
  tensors["decoder.concept.head.weight"].zero_();
  tensors["decoder.concept.head.bias"] = at::logit(at::tensor(probabilities));
  tensors["decoder.word.weight"].zero_();
  tensors["decoder.word.bias"].fill_(-12);
  for (const auto& [word, odds] : words) {
    const std::int64_t number = std::string(word) == "." ? kEndToken : known.number(word);
    tensors["decoder.word.bias"][number] = odds;
  }
  return tensors;
}

Hypothesis constrained_caption(const TensorMap& tensors, double said_min, int tokens_max = 4) {
  ModelArchitecture a = small(said_min);
  a.concept_weight = 0;  // the words' odds are as given
  const CaptionSearch search(take_decoder(tensors, a, vocabulary().size()));
  return search.run(at::ones({1, 4, 12}),
                    {.beam = 3, .length_alpha = 0.7, .tokens_max = tokens_max})[0];
}

std::string text(const Hypothesis& one) { return vocabulary().text(one.tokens); }

std::multiset<std::string> words(const Hypothesis& one) {
  std::multiset<std::string> all;
  for (const std::int64_t word : one.tokens) all.insert(vocabulary().word(word));
  return all;
}

TEST(Constraints, AConceptThatTheModelIsSureOfIsNamed) {
  const TensorMap model =
      speaks_by_heart({{"a", 2}, {".", 2}, {"pizza", 0.5}, {"cat", 0}}, {0.9F, 0.1F, 0.3F});
  ASSERT_EQ(text(constrained_caption(model, 0)).find("pizza"), std::string::npos);
  const Hypothesis found = constrained_caption(model, 0.8);
  EXPECT_EQ(words(found).count("pizza"), 1U);
  EXPECT_EQ(words(found).count("cat"), 0U);
  // What is reported about the caption is about this one.
  EXPECT_LT(found.log_prob, constrained_caption(model, 0).log_prob);
  EXPECT_GE(found.word_log_prob_min, found.log_prob);
  ASSERT_EQ(found.concepts.size(), 3U);
  EXPECT_NEAR(found.concepts[0], 0.9, 1e-5);
  EXPECT_GE(found.beam_agreement, 0);
  EXPECT_LE(found.beam_agreement, 1);
}

TEST(Constraints, NoneIsRequiredByDefaultNorBelowTheModelsProbability) {
  EXPECT_EQ(ModelArchitecture().concept_said_min, 0);
  const TensorMap model = speaks_by_heart({{"a", 2}, {".", 2}, {"pizza", 0.5}}, {0.9F, 0.1F, 0.3F});
  const Hypothesis plain = constrained_caption(model, 0), unsure = constrained_caption(model, 0.95);
  EXPECT_EQ(unsure.tokens, plain.tokens);
  EXPECT_EQ(unsure.log_prob, plain.log_prob);  // to the bit
  EXPECT_EQ(unsure.word_log_prob_min, plain.word_log_prob_min);
  EXPECT_EQ(unsure.beam_agreement, plain.beam_agreement);
}

TEST(Constraints, AnyOfAConceptsWordsWillDo) {
  const std::vector<float> dog{0.1F, 0.9F, 0.1F};
  const TensorMap puppies =
      speaks_by_heart({{"a", 2}, {".", 2}, {"dog", -2}, {"puppy", 0}, {"dogs", -1}}, dog);
  EXPECT_EQ(words(constrained_caption(puppies, 0)).count("puppy"), 0U);
  EXPECT_EQ(words(constrained_caption(puppies, 0.8)).count("puppy"), 1U);
  // One that already names it stays.
  const TensorMap dogs = speaks_by_heart({{"dogs", 3}, {".", 2}, {"dog", 1}}, dog);
  EXPECT_EQ(words(constrained_caption(dogs, 0)).count("dogs"), 1U);
  EXPECT_EQ(constrained_caption(dogs, 0.8).tokens, constrained_caption(dogs, 0).tokens);
  EXPECT_EQ(constrained_caption(dogs, 0.8).log_prob, constrained_caption(dogs, 0).log_prob);
}

TEST(Constraints, TheTwoLikeliestAreNamed) {
  const TensorMap model = speaks_by_heart(
      {{"a", 2}, {".", 2}, {"pizza", 0}, {"dog", 0}, {"cat", 0}}, {0.93F, 0.95F, 0.91F});
  const auto found = words(constrained_caption(model, 0.9));
  EXPECT_EQ(found.count("pizza"), 1U);
  EXPECT_EQ(found.count("dog"), 1U);
  EXPECT_EQ(found.count("cat"), 0U);
}

TEST(Constraints, WhereNotAllCanBeNamedMostAre) {
  const std::vector<std::pair<const char*, double>> odds{
      {"a", 2}, {".", 2}, {"pizza", 0}, {"dog", 0.5}};
  const TensorMap model = speaks_by_heart(odds, {0.95F, 0.9F, 0.1F});
  EXPECT_EQ(text(constrained_caption(model, 0.8, 1)), "dog");  // one word: the likelier of the two
  EXPECT_THAT(text(constrained_caption(model, 0.8, 2)), AnyOf("dog pizza", "pizza dog"));
}

// What CaptionSearch must find, by trying everything: 64 captions of three words.

const std::vector<ConceptEntry> kFewThings{{{"pizza"}, {}}, {{"dog", "puppy"}, {}}};

Vocabulary few_words() { return *Vocabulary::make({"pizza", "dog", "puppy", "eats"}); }

ModelArchitecture random_kind(const std::string& decoder, double said_min) {
  ModelArchitecture a = small(said_min, decoder);
  a.concepts = 2;
  a.concept_weight = 0.5;
  return a;
}

TensorMap random_model(std::uint64_t seed, const std::string& decoder) {
  at::manual_seed(seed);
  TensorMap tensors = random_decoder(random_kind(decoder, 0), few_words().size());
  for (auto& item : tensors) item.second = item.second * 3;
  add_concept_numbers(tensors, kFewThings, few_words());
  tensors["decoder.concept.feature.std"].fill_(1);
  return tensors;
}

struct Best {
  std::vector<std::int64_t> tokens;
  int named = -1;
  double log_prob = -INFINITY;
};

/// The cost of repeated words of concepts.
torch::Tensor next_but_repeats(const DecoderParameters& p, const torch::Tensor& photo,
                               const std::vector<std::int64_t>& words) {
  torch::Tensor log_p = next_word(p, photo, words);
  for (const std::int64_t word : words)
    if (concepts_of(p)->of_word[word].item<std::int64_t>() >= 0) log_p[word] -= 2;
  return log_p;
}

void try_all(const DecoderParameters& p, const torch::Tensor& photo, const ConstraintRule& rule,
             const std::vector<std::int64_t>& constraints, std::vector<std::int64_t>& words,
             double log_prob, std::vector<Best>& best) {
  const torch::Tensor log_p = next_but_repeats(p, photo, words);
  const double ended = log_prob + log_p[kEndToken].item<double>();
  const int named = rule.named(words, constraints);
  Best& one = best.at(static_cast<std::size_t>(named));
  if (ended > one.log_prob) one = {words, named, ended};
  if (words.size() == 3) return;
  for (std::int64_t word = kUnknownToken + 1; word < few_words().size(); ++word) {
    words.push_back(word);
    try_all(p, photo, rule, constraints, words, log_prob + log_p[word].item<double>(), best);
    words.pop_back();
  }
}

class ConstraintsOf : public testing::TestWithParam<std::string> {};

TEST_P(ConstraintsOf, AWideBeamFindsTheBestOfAllCaptionsThatNameThem) {
  int constrained = 0;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const DecoderParameters p = take_decoder(random_model(seed, GetParam()),
                                             random_kind(GetParam(), 0.2), few_words().size());
    const ConstraintRule rule(concepts_of(p));
    const torch::Tensor photo = at::randn({1, 6, 12});
    const Hypothesis found =
        CaptionSearch(p).run(photo, {.beam = 64, .length_alpha = 0, .tokens_max = 3})[0];
    const auto constraints = rule.constraints(found.concepts);
    std::vector<Best> best(constraints.size() + 1);
    std::vector<std::int64_t> words;
    try_all(p, photo, rule, constraints, words, 0, best);
    const auto plain = std::max_element(best.begin(), best.end(), [](const Best& a, const Best& b) {
      return a.log_prob < b.log_prob;
    });
    constrained += plain->named < static_cast<int>(constraints.size()) ? 1 : 0;
    EXPECT_EQ(found.tokens, best.back().tokens) << seed;
    EXPECT_NEAR(found.log_prob, best.back().log_prob, 1e-3) << seed;
  }
  EXPECT_GT(constrained, 0);
}

TEST_P(ConstraintsOf, APhotosCaptionDoesNotDependOnItsBatch) {
  const DecoderParameters p =
      take_decoder(random_model(5, GetParam()), random_kind(GetParam(), 0.5), few_words().size());
  const DecoderParameters off =
      take_decoder(random_model(5, GetParam()), random_kind(GetParam(), 0), few_words().size());
  const ConstraintRule rule(concepts_of(p));
  const CaptionSearch search(p);
  const torch::Tensor photos = at::randn({24, 6, 12});
  const CaptionSearch without(off);
  std::set<std::size_t> required;
  int changed = 0;
  for (const int tokens_max : {2, 3, 8}) {
    const SearchSettings settings{.beam = 3, .length_alpha = 0.7, .tokens_max = tokens_max};
    const auto together = search.run(photos, settings), plain = without.run(photos, settings);
    for (std::size_t i = 0; i < 24; ++i) {
      const auto alone = search.run(photos.narrow(0, static_cast<std::int64_t>(i), 1), settings);
      EXPECT_EQ(alone[0].tokens, together[i].tokens) << i;
      EXPECT_NEAR(alone[0].log_prob, together[i].log_prob, 1e-4) << i;
      EXPECT_NEAR(alone[0].beam_agreement, together[i].beam_agreement, 1e-9) << i;
      const auto constraints = rule.constraints(together[i].concepts);
      required.insert(constraints.size());
      changed += together[i].tokens != plain[i].tokens ? 1 : 0;
      EXPECT_GE(rule.named(together[i].tokens, constraints),
                rule.named(plain[i].tokens, constraints))
          << i;
    }
  }
  EXPECT_THAT(required, testing::Contains(0)) << "the batch has photos without a constraint";
  EXPECT_GT(required.size(), 1U);
  EXPECT_GT(changed, 0);
}

TEST_P(ConstraintsOf, ThePathOfGpusFindsTheSame) {
  // As in search_test.cpp: float64 takes the code path of GPUs.
  TensorMap tensors = random_model(7, GetParam());
  const ModelArchitecture a = random_kind(GetParam(), 0.4);
  const torch::Tensor photos = at::randn({12, 6, 12});
  const SearchSettings settings{.beam = 3, .length_alpha = 0.7, .tokens_max = 3};
  const auto loops =
      CaptionSearch(take_decoder(tensors, a, few_words().size())).run(photos, settings);
  for (auto& [name, tensor] : tensors)
    if (torch::isFloatingType(tensor.scalar_type())) tensor = tensor.to(torch::kFloat64);
  const auto plain = CaptionSearch(take_decoder(tensors, a, few_words().size()))
                         .run(photos.to(torch::kFloat64), settings);
  for (std::size_t i = 0; i < loops.size(); ++i) {
    EXPECT_EQ(loops[i].tokens, plain[i].tokens) << i;
    EXPECT_NEAR(loops[i].log_prob, plain[i].log_prob, 1e-3) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Decoders, ConstraintsOf,
                         testing::Values("show_attend_tell", "top_down", "attend_on_attend"),
                         [](const auto& tested) { return tested.param; });

TEST(Constraints, AnEnsembleNamesWhatItsFirstMemberIsSureOf) {
  const std::vector<std::pair<const char*, double>> odds{{"a", 2}, {".", 2}, {"pizza", 0.5}};
  const TensorMap sure = speaks_by_heart(odds, {0.9F, 0.1F, 0.1F}),
                  other = speaks_by_heart(odds, {0.1F, 0.9F, 0.1F});
  const auto together = [&](double said_min) {
    ModelArchitecture a = small(said_min);
    a.concept_weight = 0;
    const std::vector<DecoderParameters> members{take_decoder(sure, a, vocabulary().size()),
                                                 take_decoder(other, a, vocabulary().size())};
    return CaptionSearch(members).run(at::ones({3, 4, 24}),
                                      {.beam = 3, .length_alpha = 0.7, .tokens_max = 4});
  };
  for (const Hypothesis& one : together(0)) EXPECT_EQ(words(one).count("pizza"), 0U);
  for (const Hypothesis& one : together(0.8)) {
    EXPECT_EQ(words(one).count("pizza"), 1U);
    EXPECT_EQ(words(one).count("dog"), 0U);
  }
}

/// The numbers of a model's concepts, the classifier left out.
ConceptParameters parameters(const std::vector<std::int64_t>& of_word, std::int64_t concepts,
                             double said_min) {
  ConceptParameters p;
  p.of_word = at::tensor(of_word);
  p.head_bias = at::zeros({concepts});
  p.said_min = said_min;
  return p;
}

TEST(ConstraintRule, ConstrainsToTheLikeliestThatHaveAWord) {
  const ConceptParameters p = parameters({-1, 0, 1, 1, 3, -1}, 4, 0.7);  // no word names 2
  const ConstraintRule rule(&p);
  EXPECT_THAT(rule.constraints({0.75F, 0.8F, 0.99F, 0.1F}), ElementsAre(1, 0));
  EXPECT_THAT(rule.constraints({0.75F, 0.8F, 0.99F, 0.9F}), ElementsAre(3, 1));
  EXPECT_THAT(rule.constraints({0.8F, 0.8F, 0.1F, 0.8F}), ElementsAre(0, 1))
      << "the first of equals";
  EXPECT_THAT(rule.constraints({0.1F, 0.69F, 0.99F, 0.1F}), IsEmpty());
  EXPECT_THAT(rule.constraints({}), IsEmpty()) << "a model that tells no probabilities";
  EXPECT_EQ(rule.named({5, 3, 1}, {1, 0}), 2);
  EXPECT_EQ(rule.named({5, 3, 2}, {1, 0}), 1);
  EXPECT_EQ(rule.named({}, {1, 0}), 0);
  const ConceptParameters off = parameters({-1, 0}, 1, 0);
  EXPECT_THAT(ConstraintRule(&off).constraints({1.0F}), IsEmpty());
  EXPECT_THAT(ConstraintRule(nullptr).constraints({1.0F}), IsEmpty());
}

TEST(ConstraintRule, PutsCaptionsTogetherThatOmitEquallyMany) {
  const ConceptParameters p = parameters({-1, 0, 1, 1, 1}, 2, 0.7);
  const ConstraintRule rule(&p);
  std::vector<Hypothesis> captions(6);
  for (Hypothesis& one : captions) one.concepts = {0.9F, 0.8F};
  captions[0].tokens = {1, 3};       // names both
  captions[1].tokens = {1};          // one of them
  captions[2].concepts[0] = 0.1F;    // requires one
  captions[4].concepts = {0, 0.1F};  // none
  const auto groups = rule.unmet(captions, 8);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_THAT(groups[0].photos, ElementsAre(1, 3));  // full with eight states
  EXPECT_EQ(groups[0].constraints.count, 2);
  const torch::Tensor words = at::tensor({1, 1, 1, 2, 3, 4}, torch::kInt64);
  EXPECT_TRUE(at::equal(groups[0].constraints.words[1], words));
  EXPECT_TRUE(at::equal(groups[0].constraints.mask[1].to(torch::kInt64),
                        at::tensor({1, 0, 0, 1, 1, 1}, torch::kInt64)));
  EXPECT_THAT(groups[1].photos, ElementsAre(2));
  EXPECT_EQ(groups[1].constraints.count, 1);
  EXPECT_THAT(groups[2].photos, ElementsAre(5));
}

}  // namespace
}  // namespace photoscribe
