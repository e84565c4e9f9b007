#include "common/scores/rouge.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "tests/common/scores/coco_cases.h"

namespace photoscribe::test {
namespace {

double rouge(const std::string& hypothesis, const std::vector<std::string>& references) {
  Numbering numbered;
  const TokenIds own = numbered(hypothesis);
  const std::vector<TokenIds> others = numbered.all(references);
  return rouge_l(own, spans(others));
}

TEST(RougeL, WeighsRecallOverPrecision) {
  // Common subsequence "police the gunman" less one: "police kill the gunman" against "police
  // killed the gunman" has 3 of 4 both ways, so any beta gives 0.75 (Lin 2004, section 3.1).
  EXPECT_NEAR(rouge("police kill the gunman", {"police killed the gunman"}), 0.75, 1e-12);
  // "a dog": precision 1, recall 2/4: 2.44 * 0.5 / (0.5 + 1.44).
  EXPECT_NEAR(rouge("a dog", {"a dog runs fast"}), 2.44 * 0.5 / 1.94, 1e-12);
  EXPECT_NEAR(rouge("a dog runs fast", {"a dog"}), 2.44 * 0.5 / (1 + 1.44 * 0.5), 1e-12);
}

TEST(RougeL, TakesPrecisionAndRecallFromDifferentReferences) {
  // Precision 1 from the long one, recall 1 from the short one.
  EXPECT_NEAR(rouge("a dog runs", {"a dog", "a brown dog runs on the grass"}), 1.0, 1e-12);
}

TEST(RougeL, KeepsTheOrder) { EXPECT_NEAR(rouge("c b a", {"a b c"}), 1.0 / 3, 1e-12); }

TEST(RougeL, TakesAnEmptyCaptionForOneEmptyToken) {
  EXPECT_EQ(rouge("", {"a dog"}), 0.0);
  EXPECT_EQ(rouge("a dog", {""}), 0.0);
  EXPECT_EQ(rouge("", {""}), 1.0);
}

TEST(RougeL, FollowsTheDefinitionForShortAndLongCaptions) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const auto caption = [&](std::size_t longest) {
      TokenIds tokens(1 + random() % longest);
      for (TokenId& token : tokens) token = static_cast<TokenId>(random() % 9);
      return tokens;
    };
    const TokenIds own = caption(round % 3 == 0 ? 100 : 64), other = caption(80);
    std::vector<std::vector<std::size_t>> table(own.size() + 1,
                                                std::vector<std::size_t>(other.size() + 1));
    for (std::size_t i = 0; i < own.size(); ++i)
      for (std::size_t j = 0; j < other.size(); ++j)
        table[i + 1][j + 1] =
            own[i] == other[j] ? table[i][j] + 1 : std::max(table[i][j + 1], table[i + 1][j]);
    const auto common = static_cast<double>(table.back().back());
    const double precision = common / static_cast<double>(own.size());
    const double recall = common / static_cast<double>(other.size());
    const double expected =
        common == 0 ? 0 : 2.44 * precision * recall / (recall + 1.44 * precision);

    EXPECT_NEAR(rouge_l(own, std::vector<TokenSpan>{other}), expected, 1e-12) << round;
  }
}

TEST(RougeL, EqualsCocoCaptionOnEveryCase) {
  const CocoCases cases = read_coco_cases();
  LargestDifference largest;
  double sum = 0;
  for (const CocoCase& item : cases.items) {
    const double got = rouge_l(item.hypothesis, spans(item.references));
    largest.add(got, item.text.at("rouge_l"), item.text);
    sum += got;
  }
  largest.add(sum / static_cast<double>(cases.items.size()), cases.corpus.at("rouge_l"),
              cases.corpus);

  std::cout << largest << "\n";
  EXPECT_LT(largest.value, 1e-9) << largest.where;
}

}  // namespace
}  // namespace photoscribe::test
