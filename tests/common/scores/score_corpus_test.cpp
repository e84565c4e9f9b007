#include "common/scores/score_corpus.h"

#include <gmock/gmock.h>

#include <cmath>
#include <iostream>
#include <numeric>
#include <random>

#include "common/scores/bootstrap.h"
#include "common/scores/frequency_file.h"
#include "tests/common/scores/score_cases.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::test {
namespace {

using ::testing::HasSubstr;

TEST(TokenTable, NumbersWordsInTheirOrder) {
  TokenTable table;
  std::vector<TokenId> ids;
  for (int i = 0; i < 5000; ++i) ids.push_back(table.id_of("word" + std::to_string(i)));

  EXPECT_EQ(table.size(), 5000u);
  EXPECT_EQ(ids[4321], 4321u);
  EXPECT_EQ(table.id_of("word17"), 17u);
  EXPECT_EQ(table.word(4999), "word4999");
  EXPECT_EQ(table.find("word0"), 0u);
  EXPECT_EQ(table.find("nothing"), std::nullopt);
  EXPECT_EQ(table.word(table.id_of("")), "");
}

TEST(CaptionSet, PutsAPhotosCaptionsTogetherInTheirOrder) {
  TokenTable words;
  CaptionSet set(words, Tokenizer::none);
  set.add("a", "one two");
  set.add("b", "three");
  set.add("a", "");
  set.add("a", "two one");
  set.group();

  std::vector<TokenSpan> captions;
  set.captions_of(0, captions);

  EXPECT_EQ(set.photos(), 2u);
  ASSERT_EQ(captions.size(), 3u);
  EXPECT_EQ(TokenIds(captions[2].begin(), captions[2].end()), (TokenIds{1, 0}));
  EXPECT_EQ(captions[1].size(), 0u);
  EXPECT_EQ(set.count_of(1), 1u);
  EXPECT_EQ(set.name(*set.find("b")), "b");
}

/// A made-up corpus: hypotheses that share more or fewer words with their references.
class Corpus {
 public:
  explicit Corpus(int photos, double noise = 0.5) {
    std::mt19937 random(7);
    const auto word = [&] { return "w" + std::to_string(random() % 40); };
    for (int i = 0; i < photos; ++i) {
      const std::string name = std::to_string(i);
      std::vector<std::string> base;
      for (std::size_t n = 5 + random() % 8; n > 0; --n) base.push_back(word());
      for (int k = 0; k < 6; ++k) {
        std::string text;
        for (const std::string& one : base)
          text += (std::uniform_real_distribution<>()(random) < noise ? word() : one) + " ";
        (k == 5 ? hypotheses : references).add(name, text);
      }
      pairs.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i)});
    }
    hypotheses.group();
    references.group();
  }
  std::vector<PhotoScore> scores(int threads = 1, BleuRule rule = BleuRule::coco) const {
    return score_photos(hypotheses, references, pairs, frequencies_of(references, pairs), rule,
                        threads);
  }
  TokenTable words;
  CaptionSet hypotheses{words, Tokenizer::none}, references{words, Tokenizer::none};
  std::vector<ScoredPair> pairs;
};

TEST(ScorePhotos, GivesTheSameOnAnyNumberOfThreads) {
  const Corpus corpus(5000);
  const auto one = corpus.scores(1), three = corpus.scores(3);

  ASSERT_EQ(one.size(), three.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].counts, three[i].counts);
    EXPECT_EQ(one[i].rouge_l, three[i].rouge_l);
    EXPECT_EQ(one[i].cider_d, three[i].cider_d);
  }
}

TEST(ScorePhotos, EqualsCocoCaptionOnEveryCaseAndTheCorpus) {
  const LargestDifference largest = difference_of_score_photos(read_coco_cases());

  std::cout << largest << "\n";
  EXPECT_LT(largest.value, 1e-9) << largest.where;
}

TEST(ScorePhotos, TakesEmptyReferencesAsCocoCaptionDoes) {
  const LargestDifference largest =
      difference_of_score_photos(read_coco_cases(made_captions() / "empty_references.json"));

  EXPECT_LT(largest.value, 1e-9) << largest.where;
}

TEST(BootstrapIntervals, AgreeWithTheStandardErrorOfAMean) {
  const auto photos = Corpus(2000).scores();
  double mean = 0, squares = 0;
  for (const PhotoScore& photo : photos) mean += photo.rouge_l / 2000;
  for (const PhotoScore& photo : photos) squares += std::pow(photo.rouge_l - mean, 2);
  const double half = 1.96 * std::sqrt(squares / 2000) / std::sqrt(2000.0);

  const auto got = bootstrap_intervals(photos, BleuRule::coco, {.resamples = 2000, .threads = 2});

  EXPECT_NEAR(got.rouge_l.low, mean - half, half * 0.1);
  EXPECT_NEAR(got.rouge_l.high, mean + half, half * 0.1);
  const CorpusScore whole = score_of(photos, BleuRule::coco);
  for (std::size_t n = 0; n < 4; ++n) {
    EXPECT_LT(got.bleu[n].low, whole.bleu[n]);
    EXPECT_GT(got.bleu[n].high, whole.bleu[n]);
  }
}

TEST(BootstrapIntervals, AreTheSameForASeedOnAnyNumberOfThreads) {
  const auto photos = Corpus(300).scores();
  const auto one = bootstrap_intervals(photos, BleuRule::coco, {.resamples = 200, .seed = 1});
  const auto two =
      bootstrap_intervals(photos, BleuRule::coco, {.resamples = 200, .seed = 1, .threads = 3});
  const auto other = bootstrap_intervals(photos, BleuRule::coco, {.resamples = 200, .seed = 2});

  EXPECT_EQ(one.cider_d.low, two.cider_d.low);
  EXPECT_EQ(one.bleu[3].high, two.bleu[3].high);
  EXPECT_NE(one.bleu[3].high, other.bleu[3].high);
}

TEST(BootstrapIntervals, HaveNoWidthForOnePhoto) {
  const auto photos = Corpus(1).scores();
  const auto got = bootstrap_intervals(photos, BleuRule::coco, {.resamples = 50});

  EXPECT_EQ(got.rouge_l.low, photos[0].rouge_l);
  EXPECT_EQ(got.rouge_l.high, photos[0].rouge_l);
}

TEST(ComparePaired, FindsNoDifferenceBetweenASetAndItself) {
  const auto photos = Corpus(200).scores();
  const auto got = compare_paired(photos, photos, BleuRule::coco, {.resamples = 100});

  EXPECT_EQ(got.bleu[3].difference, 0);
  EXPECT_EQ(got.bleu[3].p, 1);
}

TEST(ComparePaired, IsSureOfAClearDifferenceBothWays) {
  const auto good = Corpus(300, 0.3).scores(), poor = Corpus(300, 0.7).scores();
  const BootstrapSettings settings{.resamples = 500};
  const auto got = compare_paired(good, poor, BleuRule::coco, settings);
  const auto turned = compare_paired(poor, good, BleuRule::coco, settings);

  EXPECT_GT(got.bleu[3].interval.low, 0);
  EXPECT_NEAR(got.bleu[3].p, 1.0 / 501, 1e-12);
  EXPECT_NEAR(turned.bleu[3].difference, -got.bleu[3].difference, 1e-15);
  EXPECT_NEAR(turned.cider_d.p, 1.0 / 501, 1e-12);
}

TEST(ComparePaired, IsUnsureOfADifferenceThatChanceExplains) {
  // The two halves of one corpus, paired at will: the p value of a null effect is rarely small.
  const auto photos = Corpus(400).scores();
  const std::span<const PhotoScore> all(photos);
  const auto got =
      compare_paired(all.first(200), all.last(200), BleuRule::coco, {.resamples = 500});

  EXPECT_GT(got.rouge_l.p, 0.01);
  EXPECT_LT(got.rouge_l.interval.low, got.rouge_l.difference);
  EXPECT_GT(got.rouge_l.interval.high, got.rouge_l.difference);
}

TEST(FrequencyFile, GivesTheSameScoresWhenReadBack) {
  const TempDir folder;
  const Corpus corpus(50);
  const auto frequencies = frequencies_of(corpus.references, corpus.pairs);
  ASSERT_TRUE(save_frequencies(folder.file("df"), frequencies, corpus.words, Tokenizer::none));

  TokenTable words;  // another numbering
  words.id_of("other");
  CaptionSet hypotheses(words, Tokenizer::none), references(words, Tokenizer::none);
  hypotheses.add("x", "w1 w2 w3 w4");
  references.add("x", "w1 w2 w3 w5");
  hypotheses.group();
  references.group();
  const auto loaded = load_frequencies(folder.file("df"), words, Tokenizer::none);

  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->photos(), 50);
  EXPECT_EQ(loaded->ngrams(), frequencies.ngrams());
  TokenTable& same = const_cast<TokenTable&>(corpus.words);
  const auto ids = [](TokenTable& table, std::initializer_list<const char*> texts) {
    TokenIds numbers;
    for (const char* text : texts) numbers.push_back(table.id_of(text));
    return numbers;
  };
  const TokenIds one = ids(same, {"w1", "w2", "w3", "w4"}),
                 two = ids(same, {"w1", "w2", "w3", "w5"});
  const std::vector<TokenSpan> spans_of_two{TokenSpan(two)};
  const ScoredPair pair;
  EXPECT_NEAR(
      score_photos(hypotheses, references, {&pair, 1}, *loaded, BleuRule::coco, 1)[0].cider_d,
      cider_d(one, spans_of_two, frequencies), 1e-12);
  EXPECT_GT(cider_d(one, spans_of_two, frequencies), 1);
}

TEST(FrequencyFile, RefusesWhatIsNoSuchTable) {
  const TempDir folder;
  const struct {
    const char *bytes, *why;
  } cases[] = {
      {"", "is not a table"},
      {"a dog\n", "line 1: is not a table"},
      {"photoscribe-df 1\tphotos x\ttok ptb\n", "number of photos is missing"},
      {"photoscribe-df 1\tphotos 3\ttok none\n1\ta\n", "made with --tokenizer none"},
      {"photoscribe-df 1\tphotos 3\ttok ptb\n", "the table is empty"},
      {"photoscribe-df 1\tphotos 3\ttok ptb\n1\ta\n4\ta b\n", "line 3: not COUNT<TAB>"},
      {"photoscribe-df 1\tphotos 3\ttok ptb\n1\ta b c d e\n", "line 2: not COUNT<TAB>"},
  };
  for (const auto& one : cases) {
    TokenTable words;
    const auto got = load_frequencies(folder.write("df", one.bytes), words, Tokenizer::ptb);
    ASSERT_FALSE(got) << one.bytes;
    EXPECT_THAT(got.error().message, HasSubstr(one.why));
  }
}

}  // namespace
}  // namespace photoscribe::test
