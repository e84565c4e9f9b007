#include "common/scores/chair.h"

#include <gmock/gmock.h>

#include "common/scores/tokenize.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;

const ObjectLexicon& lexicon() { return ObjectLexicon::built_in(); }
int id(const char* name) { return lexicon().find(name).value(); }

ChairObjects chair_of(const char* caption, std::initializer_list<const char*> references) {
  std::vector<Tokens> tokens;
  for (const char* reference : references) tokens.push_back(ptb_tokens(reference));
  return chair(lexicon(), ptb_tokens(caption), tokens);
}

TEST(Chair, FlagsWhatNoReferenceNames) {
  const auto got = chair_of("a dog on a bench", {"A puppy sleeps.", "A sleeping dog"});

  EXPECT_THAT(got.named, ElementsAre(id("bench"), id("dog")));
  EXPECT_THAT(got.hallucinated, ElementsAre(id("bench")));
  EXPECT_THAT(got.main, ElementsAre());
}

TEST(Chair, IsNotFooledByCompounds) {
  EXPECT_THAT(chair_of("a dog", {"a hot dog with mustard"}).hallucinated, ElementsAre(id("dog")));
  EXPECT_THAT(chair_of("a hot dog", {"a dog in the sun"}).hallucinated, ElementsAre(id("hot dog")));
  EXPECT_THAT(chair_of("a bear", {"a teddy bear"}).hallucinated, ElementsAre(id("bear")));
  EXPECT_THAT(chair_of("a train", {"a baby elephant"}).hallucinated, ElementsAre(id("train")));
  EXPECT_THAT(chair_of("a baby", {"a baby elephant"}).hallucinated, ElementsAre(id("person")));
  EXPECT_THAT(chair_of("an orange", {"an orange cat"}).hallucinated, ElementsAre(id("orange")));
}

TEST(Chair, AcceptsSynonymsAndWhatIsImplied) {
  EXPECT_THAT(chair_of("a person on a couch", {"a woman sits on the sofa"}).hallucinated,
              ElementsAre());
  EXPECT_THAT(chair_of("a man in the ocean", {"a surfer rides a wave"}).hallucinated,
              ElementsAre());
  EXPECT_THAT(chair_of("a kitchen", {"a refrigerator beside an oven"}).hallucinated, ElementsAre());
}

TEST(Chair, CountsAnObjectOnceACaption) {
  const auto got = chair_of("a bed with a bed and beds", {"a cat"});

  EXPECT_THAT(got.named, ElementsAre(id("bed")));
  EXPECT_EQ(counts_of(got), (ChairCounts{1, 1, 1, 1, 0, 0}));
}

TEST(Chair, TakesAnObjectOfThreeReferencesForAMainOne) {
  const auto got = chair_of("a man with a cat", {"a man and a dog", "a boy and his dog",
                                                 "a dog with a woman", "a cat", "a cat"});

  EXPECT_THAT(got.main, ElementsAre(id("person"), id("dog")));
  EXPECT_THAT(got.main_named, ElementsAre(id("person")));
}

TEST(ChairScore, AddsUpOverCaptions) {
  ChairCounts sum = counts_of(chair_of("a man with a cat", {"a man", "a man", "a boy"}));
  sum += counts_of(chair_of("a red car", {"a car on a road", "a car", "a car on a road"}));
  sum += counts_of(chair_of("", {"a dog", "a dog", "a dog"}));

  const ChairScore score = chair_score(sum);

  EXPECT_EQ(sum, (ChairCounts{3, 1, 3, 1, 3, 2}));
  EXPECT_DOUBLE_EQ(score.chair_s, 1.0 / 3);
  EXPECT_DOUBLE_EQ(score.chair_i, 1.0 / 3);
  EXPECT_DOUBLE_EQ(score.recall, 2.0 / 3);
  EXPECT_EQ(chair_score({}).chair_i, 0);
}

TEST(NamesWhatIsAbsent, TakesPlainCaptions) {
  const std::vector<std::string> references{"Two children play football.", "Kids with a ball"};

  EXPECT_FALSE(names_what_is_absent(lexicon(), "Boys run after a ball", references));
  EXPECT_TRUE(names_what_is_absent(lexicon(), "Boys run after a horse", references));
}

}  // namespace
}  // namespace photoscribe::test
