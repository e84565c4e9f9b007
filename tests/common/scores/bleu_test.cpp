#include "common/scores/bleu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <random>
#include <sstream>

#include "tests/common/scores/coco_cases.h"

namespace photoscribe {
namespace {

Tokens words(const std::string& text) {
  std::istringstream in(text);
  Tokens tokens;
  for (std::string word; in >> word;) tokens.push_back(word);
  return tokens;
}

BleuCounts counts(const std::string& candidate, const std::vector<std::string>& references) {
  std::vector<Tokens> tokens;
  for (const std::string& reference : references) tokens.push_back(words(reference));
  return count_bleu(words(candidate), tokens);
}

TEST(BleuCounts, ClipsAWordAtTheReferenceThatHoldsItMost) {
  // Papineni et al. 2002, example 2: "the" seven times, twice in one reference.
  const BleuCounts got =
      counts("the the the the the the the", {"the cat is on the mat", "there is a cat on the mat"});

  EXPECT_EQ(got.matched[0], 2);
  EXPECT_EQ(got.total[0], 7);
  EXPECT_EQ(got.matched[1], 0);
}

TEST(BleuCounts, TakesTheShorterOfTwoReferencesThatAreEquallyClose) {
  EXPECT_EQ(counts("a b c d", {"a b c d e", "a b c"}).reference_tokens, 3);
  EXPECT_EQ(counts("a b c d", {"a b c", "a b c d e"}).reference_tokens, 3);
}

TEST(BleuCounts, CountsNothingForAnEmptyCandidate) {
  const BleuCounts got = counts("", {"a dog"});

  EXPECT_EQ(got, (BleuCounts{{}, {}, 0, 2}));
  for (const double score : bleu(got)) EXPECT_EQ(score, 0.0);
}

TEST(Bleu, GivesOneForACopyAndPunishesShortness) {
  EXPECT_NEAR(bleu(counts("a dog runs fast", {"a dog runs fast"}))[3], 1.0, 1e-8);
  // All four orders match; the reference is one token longer: exp(1 - 5/4).
  EXPECT_NEAR(bleu(counts("a dog runs fast", {"a dog runs fast today"}))[3], std::exp(-0.25), 1e-8);
}

TEST(Bleu, OfTheSumIsNotTheMeanOfTheSentences) {
  const BleuCounts one = counts("a dog", {"a dog"});
  const BleuCounts two = counts("red car on the road", {"a tree"});
  BleuCounts sum = one;
  sum += two;

  EXPECT_NEAR(bleu(sum)[0], 2.0 / 7.0, 1e-8);
  EXPECT_NEAR((bleu(one)[0] + bleu(two)[0]) / 2, 0.5, 1e-8);
}

/// Matches by the definition: every n-gram as text.
BleuCounts plain_counts(const TokenIds& candidate, const std::vector<TokenIds>& references) {
  BleuCounts counts;
  for (std::size_t n = 1; n <= 4; ++n) {
    const auto grams = [n](const TokenIds& tokens) {
      std::map<TokenIds, std::int64_t> all;
      for (std::size_t at = 0; at + n <= tokens.size(); ++at) {
        const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(at);
        ++all[TokenIds(begin, begin + static_cast<std::ptrdiff_t>(n))];
      }
      return all;
    };
    for (const auto& [gram, count] : grams(candidate)) {
      std::int64_t most = 0;
      for (const TokenIds& one : references) {
        const auto theirs = grams(one);
        if (theirs.contains(gram)) most = std::max(most, theirs.at(gram));
      }
      counts.matched[n - 1] += std::min(count, most);
    }
  }
  return counts;
}

TEST(BleuCounts, FollowTheDefinitionForShortAndLongCaptions) {
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    const auto words = 2 + random() % 30;
    const auto caption = [&](std::size_t longest) {
      TokenIds tokens(random() % (longest + 1));
      for (TokenId& token : tokens) token = static_cast<TokenId>(random() % words);
      return tokens;
    };
    const std::size_t longest = round % 4 == 0 ? 90 : round % 4 == 1 ? 64 : 14;
    const TokenIds candidate = caption(longest);
    std::vector<TokenIds> references(1 + random() % 5);
    for (TokenIds& one : references) one = caption(round % 7 == 0 ? 400 : longest);
    const std::vector<TokenSpan> spans(references.begin(), references.end());

    EXPECT_EQ(count_bleu(TokenSpan(candidate), spans).matched,
              plain_counts(candidate, references).matched)
        << round;
  }
}

TEST(Bleu, EqualsCocoCaptionOnEveryCase) {
  const test::CocoCases cases = test::read_coco_cases();
  BleuCounts sum;
  test::LargestDifference largest;
  for (const test::CocoCase& item : cases.items) {
    const BleuCounts one = counts(item.text.at("hypothesis"), item.text.at("references"));
    EXPECT_EQ(count_bleu(TokenSpan(item.hypothesis), test::spans(item.references)), one);
    const std::array<double, 4> got = bleu(one);
    for (std::size_t n = 0; n < 4; ++n) largest.add(got[n], item.text.at("bleu")[n], item.text);
    sum += one;
  }
  const std::array<double, 4> corpus = bleu(sum);
  for (std::size_t n = 0; n < 4; ++n)
    largest.add(corpus[n], cases.corpus.at("bleu").at(n), cases.corpus);

  std::cout << largest << "\n";
  EXPECT_LT(largest.value, 1e-9) << largest.where;
}

}  // namespace
}  // namespace photoscribe
