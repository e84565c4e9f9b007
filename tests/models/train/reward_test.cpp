#include "models/train/loss/reward.h"

#include <gtest/gtest.h>

#include <cmath>

namespace photoscribe {
namespace {

class RewardOf : public testing::Test {
 protected:
  std::vector<std::int64_t> caption(const Tokens& words, bool ends = true) const {
    auto numbers = encode_caption(words, vocabulary_, 20, false);
    if (!ends) numbers.pop_back();
    return numbers;
  }

  std::vector<CaptionedPhoto> split_{
      {"dog.jpg", {{"a", "dog", "runs", "on", "grass"}, {"a", "brown", "dog", "runs"}}},
      {"sea.jpg", {{"a", "man", "stands", "by", "the", "sea"}, {"a", "man", "by", "the", "sea"}}},
      {"car.jpg", {{"a", "red", "car", "is", "parked"}, {"the", "car", "is", "red"}}}};
  Vocabulary vocabulary_ = *make_vocabulary(split_, {}, {1});
};

TEST_F(RewardOf, BleuAloneOfAReferenceIsItsWholeWeight) {
  const Reward reward(split_, vocabulary_, {.cider = 0, .bleu = 3});
  EXPECT_NEAR(reward.score(0, caption({"a", "brown", "dog", "runs"})), 3, 1e-9);
}

TEST_F(RewardOf, BleuAloneIsAsWorkedOutByHand) {
  const Reward reward(split_, vocabulary_, {.cider = 0, .bleu = 1});
  // "a dog is red <end>": a, dog, <end> match (3 of 5); one of 4 pairs ("a dog"), none of 3 and 2
  // longer ones, each with one added to numerator and denominator; as long as the closer reference.
  const double b1 = 3.0 / 5, b2 = 2.0 / 5, b3 = 1.0 / 4, b4 = 1.0 / 3;
  const double expected = (b1 + std::pow(b1 * b2, 1.0 / 2) + std::pow(b1 * b2 * b3, 1.0 / 3) +
                           std::pow(b1 * b2 * b3 * b4, 1.0 / 4)) /
                          4;
  EXPECT_NEAR(reward.score(0, caption({"a", "dog", "is", "red"})), expected, 1e-9);
}

TEST_F(RewardOf, AnotherPhotosCaptionIsWorthLess) {
  const Reward reward(split_, vocabulary_, {});
  const auto dog = caption({"a", "dog", "runs", "on", "grass"});
  EXPECT_GT(reward.score(0, dog), 3 * reward.score(2, dog));
}

TEST_F(RewardOf, ACaptionThatBreaksOffIsWorthLessThanOneThatEnds) {
  const Reward reward(split_, vocabulary_, {});
  const Tokens words{"a", "man", "by", "the", "sea"};
  EXPECT_GT(reward.score(1, caption(words)), reward.score(1, caption(words, false)));
}

TEST_F(RewardOf, AnUnknownWordMatchesNothing) {
  const Vocabulary few = *make_vocabulary(split_, {}, {2});  // "grass" occurs once
  const Reward reward(split_, few, {.cider = 0, .bleu = 1});
  const std::vector<std::int64_t> unknown{kUnknownToken};
  EXPECT_EQ(reward.score(0, unknown), 0);
}

TEST_F(RewardOf, AConceptCostsEachTimeThatItIsNamedOftenerThanAnyReferenceDoes) {
  std::vector<std::int64_t> of_word(static_cast<std::size_t>(vocabulary_.size()), -1);
  of_word.at(static_cast<std::size_t>(vocabulary_.number("dog"))) = 0;
  of_word.at(static_cast<std::size_t>(vocabulary_.number("car"))) = 1;
  const RewardSettings settings{.cider = 0, .bleu = 0, .false_concept = 0.5};
  const Reward reward(split_, vocabulary_, settings, of_word);
  EXPECT_EQ(reward.score(0, caption({"a", "dog", "runs"})), 0);
  EXPECT_EQ(reward.score(0, caption({"a", "dog", "runs", "on", "a", "dog"})), -0.5);
  EXPECT_EQ(reward.score(0, caption({"a", "car", "car"})), -1);
  EXPECT_EQ(reward.score(1, caption({"a", "car", "dog"})), -1);
}

TEST_F(RewardOf, AConceptThatThreeReferencesNameIsWorthSomethingOnce) {
  const std::vector<CaptionedPhoto> photos{
      {"a.jpg",
       {{"a", "dog", "dog"}, {"the", "dog", "and", "a", "car"}, {"dog"}, {"a", "car"}},
       1,
       {}},
      {"b.jpg", {{"a", "dog"}, {"a", "car"}}, 1, {}}};
  const Vocabulary words = *make_vocabulary(photos, {}, {1});
  std::vector<std::int64_t> of_word(static_cast<std::size_t>(words.size()), -1);
  of_word.at(static_cast<std::size_t>(words.number("dog"))) = 0;
  of_word.at(static_cast<std::size_t>(words.number("car"))) = 1;
  const Reward reward(photos, words, {.cider = 0, .bleu = 0, .main_concept = 0.5}, of_word);
  const auto numbers = [&](const Tokens& caption) {
    std::vector<std::int64_t> ids;
    for (const std::string& word : caption) ids.push_back(words.number(word));
    return ids;
  };
  EXPECT_EQ(reward.score(0, numbers({"a", "dog", "and", "dog"})), 0.5);
  EXPECT_EQ(reward.score(0, numbers({"a", "car"})), 0);  // two of four name it
  EXPECT_EQ(reward.score(1, numbers({"a", "dog"})), 0);
}

}  // namespace
}  // namespace photoscribe
