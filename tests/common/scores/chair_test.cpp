#include "common/scores/chair.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "common/scores/chair_corpus.h"
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

/// Captions of words that name things, some of them hyphenated, against references alike.
class ThingCorpus {
 public:
  explicit ThingCorpus(int photos) {
    std::mt19937 random(3);
    const char* const things[] = {"dog",     "hot dog", "men",     "stop-sign", "an orange cat",
                                  "no cars", "surfing", "glasses", "baby",      "elephants"};
    const auto text = [&] {
      std::string out;
      for (int n = 0; n < 4; ++n) out += std::string(things[random() % 10]) + " and ";
      return out;
    };
    for (int i = 0; i < photos; ++i) {
      const std::string name = std::to_string(i);
      captions.push_back(text());
      hypotheses.add(name, captions.back());
      for (int k = 0; k < 3; ++k) {
        reference_captions.push_back(text());
        references.add(name, reference_captions.back());
      }
      pairs.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i)});
    }
    hypotheses.group();
    references.group();
  }
  std::vector<std::string> captions, reference_captions;
  TokenTable words;
  CaptionSet hypotheses{words, Tokenizer::ptb}, references{words, Tokenizer::ptb};
  std::vector<ScoredPair> pairs;
};

TEST(CorpusChair, GivesWhatChairGivesOfEachCaptionOnAnyNumberOfThreads) {
  const ThingCorpus corpus(9000);
  const CorpusChair chairs(lexicon(), corpus.words, corpus.hypotheses, corpus.references);

  const auto one = chairs.counts(corpus.pairs, 1), three = chairs.counts(corpus.pairs, 3);

  EXPECT_EQ(one, three);
  ChairCounts sum;
  for (std::size_t i = 0; i < 200; ++i) {
    std::vector<Tokens> references;
    for (std::size_t k = 0; k < 3; ++k)
      references.push_back(ptb_tokens(corpus.reference_captions[3 * i + k]));
    EXPECT_EQ(one[i], counts_of(chair(lexicon(), ptb_tokens(corpus.captions[i]), references)));
    sum += one[i];
  }
  EXPECT_EQ(sum, sum_of(std::span(one).first(200)));
  EXPECT_GT(sum.captions_hallucinating, 20);
  EXPECT_LT(sum.captions_hallucinating, 180);
}

TEST(ChairIntervals, AgreeWithTheStandardErrorOfAShare) {
  const ThingCorpus corpus(1000);
  const auto photos = CorpusChair(lexicon(), corpus.words, corpus.hypotheses, corpus.references)
                          .counts(corpus.pairs, 1);
  const double share = chair_score(sum_of(photos)).chair_s;
  const double half = 1.96 * std::sqrt(share * (1 - share) / 1000);

  const ChairIntervals got = chair_intervals(photos, {.resamples = 2000, .threads = 2});

  EXPECT_NEAR(got.chair_s.low, share - half, half * 0.15);
  EXPECT_NEAR(got.chair_s.high, share + half, half * 0.15);
  EXPECT_LT(got.recall.low, chair_score(sum_of(photos)).recall);
  EXPECT_GT(got.chair_i.high, chair_score(sum_of(photos)).chair_i);
}

}  // namespace
}  // namespace photoscribe::test
