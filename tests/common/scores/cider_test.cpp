#include "common/scores/cider.h"

#include <gtest/gtest.h>

#include <iostream>

#include "tests/common/scores/coco_cases.h"

namespace photoscribe::test {
namespace {

using Photos = std::vector<std::vector<TokenIds>>;

DocumentFrequencies frequencies_over(const Photos& photos) {
  DocumentFrequencies frequencies;
  for (const auto& photo : photos) frequencies.add_photo(spans(photo));
  return frequencies;
}

TEST(DocumentFrequencies, CountAnNgramOncePerPhoto) {
  Numbering numbered;
  const auto frequencies = frequencies_over(
      {numbered.all({"a dog a dog", "a dog"}), numbered.all({"a cat"}), numbered.all({"the cat"})});
  std::map<TokenIds, std::uint32_t> counts;
  frequencies.for_each([&](TokenSpan ngram, std::uint32_t photos) {
    counts[TokenIds(ngram.begin(), ngram.end())] = photos;
  });

  EXPECT_EQ(frequencies.photos(), 3);
  EXPECT_EQ(counts.at(numbered("a")), 2u);
  EXPECT_EQ(counts.at(numbered("cat")), 2u);
  EXPECT_EQ(counts.at(numbered("a dog")), 1u);
  EXPECT_EQ(counts.at(numbered("a dog a dog")), 1u);
  EXPECT_EQ(counts.size(), frequencies.ngrams());
  EXPECT_FALSE(counts.contains(numbered("dog cat")));
}

TEST(CiderD, IsTenForACopyOfTheOnlyReference) {
  Numbering numbered;
  const Photos photos{numbered.all({"a dog runs fast"}), numbered.all({"two cats sleep here"})};
  const auto frequencies = frequencies_over(photos);

  EXPECT_NEAR(cider_d(photos[0][0], spans(photos[0]), frequencies), 10, 1e-12);
  EXPECT_NEAR(cider_d(photos[1][0], spans(photos[0]), frequencies), 0, 1e-12);
}

TEST(CiderD, FollowsTheFormulaByHand) {
  // Two photos; "a" is in both, so it weighs log 2 - log 2 = 0; every other n-gram weighs log 2 =
  // w. Hypothesis "a dog" against "a dog runs": unigrams: (0 w) . (0 w w) -> 1/sqrt 2; bigrams (w)
  // . (w w) -> 1/sqrt 2; no trigrams. Length differs by one bigram: exp(-1/72).
  Numbering numbered;
  const Photos photos{numbered.all({"a dog runs"}), numbered.all({"a cat"})};
  const double expected = 10.0 / 4 * 2 / std::sqrt(2.0) * std::exp(-1.0 / 72);

  EXPECT_NEAR(cider_d(numbered("a dog"), spans(photos[0]), frequencies_over(photos)), expected,
              1e-12);
}

TEST(CiderD, ClipsRepeatedWords) {
  // "dog dog dog": weight 3w against w, clipped to w: w*w / (3w * w) = 1/3 for unigrams alone.
  // It has 2 bigrams, the reference none: exp(-4/72).
  Numbering numbered;
  const Photos photos{numbered.all({"dog"}), numbered.all({"cat"})};

  EXPECT_NEAR(cider_d(numbered("dog dog dog"), spans(photos[0]), frequencies_over(photos)),
              10.0 / 4 / 3 * std::exp(-4.0 / 72), 1e-12);
}

TEST(CiderD, IsZeroForOnePhotoAlone) {
  Numbering numbered;
  const Photos photos{numbered.all({"a dog runs", "the dog is running"})};

  EXPECT_EQ(cider_d(photos[0][0], spans(photos[0]), frequencies_over(photos)), 0);
}

TEST(CiderD, TakesAnEmptyCaption) {
  Numbering numbered;
  const Photos photos{numbered.all({"a dog", ""}), numbered.all({"a cat"})};
  const auto frequencies = frequencies_over(photos);

  EXPECT_EQ(cider_d({}, spans(photos[0]), frequencies), 0);
  EXPECT_NEAR(cider_d(numbered("a dog"), spans(photos[0]), frequencies), 10.0 / 4 * 2 / 2, 1e-12);
}

TEST(CiderReferences, WeighAsCiderDDoes) {
  Numbering numbered;
  const Photos photos{numbered.all({"a dog runs", "the dog is running on grass", "a dog"}),
                      numbered.all({"a cat on the grass", "a cat sleeps"}),
                      numbered.all({"", "a man"})};
  const std::vector<std::string> hypotheses{
      "a dog is on the grass", "", "a", "zebra a cat zebra", "a dog runs on the dog", "zebra"};
  const Photos elsewhere{numbered.all({"a dog"}), numbered.all({"a cat in a hat"}),
                         numbered.all({"on grass"}), numbered.all({"a bird"})};
  const CiderReferences own(photos);
  const CiderReferences other(photos, frequencies_over(elsewhere));

  for (std::size_t photo = 0; photo < photos.size(); ++photo) {
    for (const std::string& text : hypotheses) {
      const TokenIds hypothesis = numbered(text);
      EXPECT_NEAR(own.score(photo, hypothesis),
                  cider_d(hypothesis, spans(photos[photo]), frequencies_over(photos)), 1e-12)
          << text;
      EXPECT_NEAR(other.score(photo, hypothesis),
                  cider_d(hypothesis, spans(photos[photo]), frequencies_over(elsewhere)), 1e-12)
          << text;
    }
  }
}

TEST(CiderD, EqualsCocoCaptionOnEveryCase) {
  const CocoCases cases = read_coco_cases();
  Photos photos;
  for (const CocoCase& item : cases.items) photos.push_back(item.references);
  const CiderReferences references(photos);
  LargestDifference largest;
  double sum = 0;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const CocoCase& item = cases.items[i];
    const double got = references.score(i, item.hypothesis);
    largest.add(got, item.text.at("cider_d"), item.text);
    largest.add(cider_d(item.hypothesis, spans(item.references), references.frequencies()),
                item.text.at("cider_d"), item.text);
    sum += got;
  }
  largest.add(sum / static_cast<double>(photos.size()), cases.corpus.at("cider_d"), cases.corpus);

  std::cout << largest << "\n";
  EXPECT_LT(largest.value, 1e-9) << largest.where;
}

}  // namespace
}  // namespace photoscribe::test
