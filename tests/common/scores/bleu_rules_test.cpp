#include "common/scores/bleu_rules.h"

#include <gtest/gtest.h>

#include <iostream>

#include "tests/common/scores/coco_cases.h"
#include "tests/common/scores/nltk_cases.h"

namespace photoscribe::test {
namespace {

constexpr std::array kNltk{BleuRule::nltk_method0, BleuRule::nltk_method1, BleuRule::nltk_method2,
                           BleuRule::nltk_method3, BleuRule::nltk_method4};

BleuCounts counts(const std::string& hypothesis, const std::vector<std::string>& references) {
  Numbering numbered;
  const TokenIds own = numbered(hypothesis);
  const std::vector<TokenIds> others = numbered.all(references);
  return count_bleu(TokenSpan(own), spans(others));
}

TEST(BleuRules, EqualNltkForEveryMethod) {
  LargestDifference largest;
  for (const NltkCase& one : nltk_cases()) {
    for (std::size_t method = 0; method < kNltk.size(); ++method) {
      BleuCounts sum;
      for (const auto& [hypothesis, references] : one.corpus)
        sum += counts_for(kNltk[method], counts(hypothesis, references));
      const auto got = bleu_by(kNltk[method], sum);
      for (std::size_t n = 0; n < 4; ++n) {
        EXPECT_NEAR(got[n], one.bleu[method][n], 1e-12) << one.name << ", method " << method;
        largest.add(got[n], one.bleu[method][n], std::string(one.name));
      }
    }
  }
  std::cout << "from NLTK over " << nltk_cases().size() << " corpora: " << largest << "\n";
}

TEST(BleuRules, ScoreASentenceAsACorpusOfOneInNltk) {
  for (const NltkCase& one : nltk_cases()) {
    if (one.corpus.size() != 1) continue;
    const auto& [hypothesis, references] = one.corpus.front();
    for (std::size_t method = 0; method < kNltk.size(); ++method) {
      const auto got = sentence_bleu_by(kNltk[method], counts(hypothesis, references));
      EXPECT_NEAR(got[3], one.bleu[method][3], 1e-12) << one.name << ", method " << method;
    }
  }
}

TEST(BleuRules, FollowSacrebleuByHand) {
  // 5 of 5 words, 3 of 4, 1 of 3, 0 of 2: the first order without a match counts 1/2 of 2.
  const BleuCounts no_four =
      counts("a dog runs on grass", {"a dog runs across the grass", "the dog is on grass"});
  EXPECT_NEAR(bleu_by(BleuRule::sacrebleu, no_four)[3], std::pow(0.75 / 3 / 4, 0.25), 1e-12);
  // 4 of 4 words and nothing else: 1/2 of 3, 1/4 of 2, 1/8 of 1.
  const BleuCounts words =
      counts("grass the on dog", {"a dog runs on the grass", "the dog is running"});
  EXPECT_NEAR(bleu_by(BleuRule::sacrebleu, words)[3], std::pow(1.0 / 6 / 8 / 8, 0.25), 1e-12);
}

TEST(BleuRules, LeaveAbsentOrdersOutOfSacrebleusSentencesOnly) {
  // Two words of three: no trigram to guess. Brevity exp(1 - 3/2).
  const BleuCounts two = counts("a dog", {"a dog runs"});

  EXPECT_EQ(bleu_by(BleuRule::sacrebleu, two)[3], 0);
  EXPECT_NEAR(bleu_by(BleuRule::sacrebleu, two)[1], std::exp(-0.5), 1e-12);
  EXPECT_NEAR(sentence_bleu_by(BleuRule::sacrebleu, two)[3], std::exp(-0.5), 1e-12);
}

TEST(BleuRules, GiveSacrebleuNothingForNoMatchAtAll) {
  EXPECT_EQ(sentence_bleu_by(BleuRule::sacrebleu, counts("two cats", {"a dog"}))[3], 0);
  EXPECT_EQ(sentence_bleu_by(BleuRule::sacrebleu, counts("", {"a dog"}))[0], 0);
}

TEST(BleuRules, HaveNames) {
  for (const std::string_view name : {"coco", "nltk0", "nltk4", "sacrebleu"})
    EXPECT_EQ(name_of(bleu_rule_named(name).value()), name);
  EXPECT_FALSE(bleu_rule_named("nltk5"));
}

}  // namespace
}  // namespace photoscribe::test
