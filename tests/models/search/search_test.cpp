#include "models/search/search.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "models/decoder/step_network.h"
#include "models/format/vocabulary.h"
#include "models/train/loss/loss.h"
#include "tests/models/decoder/small_decoder.h"
#include "tests/models/search/next_word.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kWords = 8;  // four of them are words: 64 captions of three words

DecoderParameters decoder(std::uint64_t seed, std::int64_t words, const std::string& name) {
  at::manual_seed(seed);
  TensorMap tensors = random_decoder(small_decoder(name), words);
  for (auto& item : tensors) item.second = item.second * 4;
  return take_decoder(tensors, small_decoder(name), words);
}

double log_prob_of(const DecoderParameters& p, const torch::Tensor& photo,
                   const std::vector<std::int64_t>& words) {
  double sum = 0;
  std::vector<std::int64_t> before;
  for (std::size_t i = 0; i <= words.size(); ++i) {
    const std::int64_t word = i < words.size() ? words[i] : kEndToken;
    sum += next_word(p, photo, before)[word].item<double>();
    before.push_back(word);
  }
  return sum;
}

struct Best {
  std::vector<std::int64_t> tokens;
  double score = -INFINITY, log_prob = 0;
};

/// The best of all captions of up to `words_max` words, by trying them all.
void try_all(const DecoderParameters& p, const torch::Tensor& photo, const SearchSettings& s,
             std::vector<std::int64_t>& words, double log_prob, Best& best) {
  const torch::Tensor log_p = next_word(p, photo, words);
  const double ended = log_prob + log_p[kEndToken].item<double>();
  const double score = ended / std::pow(static_cast<double>(words.size() + 1), s.length_alpha);
  if (score > best.score) best = {words, score, ended};
  if (words.size() == static_cast<std::size_t>(s.tokens_max)) return;
  for (std::int64_t word = kUnknownToken + 1; word < words_of(p).embedding.size(0); ++word) {
    words.push_back(word);
    try_all(p, photo, s, words, log_prob + log_p[word].item<double>(), best);
    words.pop_back();
  }
}

class SearchOf : public testing::TestWithParam<std::string> {};

/// How far words' log-probabilities in `precision` are at most from those in float32.
double farthest_words(const std::string& kind, Precision precision) {
  const torch::NoGradGuard no_grad;
  const DecoderParameters p = decoder(1, kWords, kind);
  const auto exact = make_step_network(p), rounded = make_step_network(p, precision);
  const torch::Tensor photos = at::randn({3, 6, 12});
  const Annotations a = exact->annotate_photos(photos), b = rounded->annotate_photos(photos);
  torch::Tensor h = a.h, c = a.c, rounded_h = b.h, rounded_c = b.c;
  double off = 0;
  for (int t = 0; t < 4; ++t) {
    const torch::Tensor words = at::randint(kUnknownToken + 1, kWords, {3}, torch::kInt64);
    const torch::Tensor difference =
        exact->step(a, words, h, c) - rounded->step(b, words, rounded_h, rounded_c);
    off = std::max(off, difference.nan_to_num(0, 0, 0).abs().max().item<double>());
  }
  std::printf("off by at most %.3g\n", off);
  return off;
}

TEST_P(SearchOf, InBfloat16WordsAreNearlyAsLikely) {
  if (!has_bfloat16()) GTEST_SKIP() << "this CPU has no bfloat16";
  const double off = farthest_words(GetParam(), Precision::bfloat16);
  EXPECT_LT(off, 0.3);
  EXPECT_GT(off, 1e-6) << "nothing was rounded";
}

TEST_P(SearchOf, InInt8WordsAreNearlyAsLikely) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  const double off = farthest_words(GetParam(), Precision::int8);
  EXPECT_LT(off, 0.05);
  EXPECT_GT(off, 1e-6) << "nothing was rounded";
}

TEST_P(SearchOf, AWideBeamFindsTheBestOfAllCaptions) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const DecoderParameters p = decoder(seed, kWords, GetParam());
    const torch::Tensor photo = at::randn({1, 6, 12});
    // Without normalisation the end of a search is exact; with it, it is a heuristic.
    SearchSettings settings{.beam = 64, .length_alpha = 0, .tokens_max = 3};
    Best best;
    std::vector<std::int64_t> words;
    try_all(p, photo, settings, words, 0, best);
    const auto found = CaptionSearch(p).run(photo, settings);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].tokens, best.tokens);
    EXPECT_NEAR(found[0].log_prob, best.log_prob, 1e-4);
  }
}

TEST_P(SearchOf, BeamOneTakesTheLikeliestWordEachTime) {
  const DecoderParameters p = decoder(5, 200, GetParam());
  const torch::Tensor photo = at::randn({1, 6, 12});
  const SearchSettings settings{.beam = 1, .length_alpha = 0, .tokens_max = 8};
  std::vector<std::int64_t> words;
  while (words.size() < 8) {
    const auto word = next_word(p, photo, words).argmax().item<std::int64_t>();
    if (word == kEndToken) break;
    words.push_back(word);
  }
  EXPECT_EQ(CaptionSearch(p).run(photo, settings)[0].tokens, words);
}

TEST_P(SearchOf, LogProbIsThatOfTheWordsAndTheEnd) {
  const DecoderParameters p = decoder(7, 200, GetParam());
  const torch::Tensor photo = at::randn({1, 6, 12});
  const Hypothesis found =
      CaptionSearch(p).run(photo, {.beam = 3, .length_alpha = 0.7, .tokens_max = 6})[0];
  double sum = 0;
  std::vector<std::int64_t> words;
  for (const std::int64_t word : found.tokens) {
    sum += next_word(p, photo, words)[word].item<double>();
    words.push_back(word);
  }
  sum += next_word(p, photo, words)[kEndToken].item<double>();
  EXPECT_NEAR(found.log_prob, sum, 1e-4);
}

TEST_P(SearchOf, NeverWritesSpecialsNorMoreWordsThanAllowed) {
  const DecoderParameters p = decoder(11, 50, GetParam());
  for (const auto& one : CaptionSearch(p).run(at::randn({16, 6, 12}),
                                              {.beam = 4, .length_alpha = 1, .tokens_max = 5})) {
    EXPECT_LE(one.tokens.size(), 5U);
    for (const std::int64_t token : one.tokens) EXPECT_GT(token, kUnknownToken);
  }
}

TEST_P(SearchOf, APhotosCaptionDoesNotDependOnItsBatch) {
  const DecoderParameters p = decoder(13, 200, GetParam());
  const CaptionSearch search(p);
  const torch::Tensor photos = at::randn({24, 6, 12});
  const SearchSettings settings{.beam = 3, .length_alpha = 0.7, .tokens_max = 10};
  const auto together = search.run(photos, settings);
  for (std::int64_t i = 0; i < 24; ++i) {
    const auto alone = search.run(photos.narrow(0, i, 1), settings);
    EXPECT_EQ(alone[0].tokens, together[static_cast<std::size_t>(i)].tokens) << i;
    EXPECT_NEAR(alone[0].log_prob, together[static_cast<std::size_t>(i)].log_prob, 1e-4) << i;
  }
}

TEST_P(SearchOf, ThePathOfGpusFindsTheSame) {
  // Anything but float32 on a CPU takes the code path of GPUs, without the hand-written loops.
  DecoderParameters p = decoder(17, 200, GetParam());
  const torch::Tensor photos = at::randn({12, 6, 12});
  const SearchSettings settings{.beam = 3, .length_alpha = 0.7, .tokens_max = 10};
  const auto loops = CaptionSearch(p).run(photos, settings);
  TensorMap wide = tensors_of(p);
  for (auto& item : wide) item.second = item.second.to(torch::kFloat64);
  p = take_decoder(wide, small_decoder(GetParam()), 200);
  const auto plain = CaptionSearch(p).run(photos.to(torch::kFloat64), settings);
  for (std::size_t i = 0; i < loops.size(); ++i) {
    EXPECT_EQ(loops[i].tokens, plain[i].tokens) << i;
    EXPECT_NEAR(loops[i].log_prob, plain[i].log_prob, 1e-3) << i;
  }
}

TEST(Ensemble, PredictsTheMeanOfItsMembersProbabilities) {
  const std::vector<DecoderParameters> members{decoder(21, 60, "show_attend_tell"),
                                               decoder(22, 60, "top_down"),
                                               decoder(23, 60, "attend_on_attend")};
  const torch::Tensor photos = at::randn({5, 6, 36});
  const auto found =
      CaptionSearch(members).run(photos, {.beam = 1, .length_alpha = 0, .tokens_max = 6});
  for (std::int64_t i = 0; i < 5; ++i) {
    const torch::Tensor photo = photos.narrow(0, i, 1);
    std::vector<std::int64_t> words;
    double sum = 0;
    while (true) {
      torch::Tensor p = at::zeros({60});
      for (std::int64_t m = 0; m < 3; ++m) {
        p += next_word(members[static_cast<std::size_t>(m)], photo.narrow(2, 12 * m, 12), words)
                 .exp() /
             3;
      }
      const auto word = words.size() == 6 ? kEndToken : p.argmax().item<std::int64_t>();
      sum += std::log(p[word].item<double>());
      if (word == kEndToken) break;
      words.push_back(word);
    }
    EXPECT_EQ(found[static_cast<std::size_t>(i)].tokens, words) << i;
    EXPECT_NEAR(found[static_cast<std::size_t>(i)].log_prob, sum, 1e-3) << i;
  }
}

TEST_P(SearchOf, SoftTargetsAreTheModelsProbabilitiesAtEachPosition) {
  const DecoderParameters p = decoder(3, kWords, GetParam());
  const torch::Tensor photos = at::randn({2, 6, 12});
  const std::vector<std::vector<std::vector<std::int64_t>>> captions{
      {{4, 5, kEndToken}, {kEndToken}, {6, kUnknownToken, 7, 4, kEndToken}}, {{7, 7, kEndToken}}};

  const SoftTargets all = CaptionSearch(p).soft_targets(photos, captions, 5);  // end and four words
  const SoftTargets two = CaptionSearch(p).soft_targets(photos, captions, 2);

  ASSERT_EQ(all.words.size(0), 12);
  std::int64_t place = 0;
  for (std::size_t n = 0; n < captions.size(); ++n) {
    for (const auto& caption : captions[n]) {
      for (std::size_t t = 0; t < caption.size(); ++t, ++place) {
        const std::vector<std::int64_t> before(caption.begin(),
                                               caption.begin() + static_cast<std::ptrdiff_t>(t));
        const torch::Tensor probabilities =
            next_word(p, photos.narrow(0, static_cast<std::int64_t>(n), 1), before).exp();
        const torch::Tensor expected = probabilities.index_select(0, all.words[place]);
        EXPECT_TRUE(at::allclose(all.probabilities[place], expected, 1e-4, 1e-5)) << place;
        const torch::Tensor first = expected.narrow(0, 0, 2);
        EXPECT_TRUE(at::equal(two.words[place], all.words[place].narrow(0, 0, 2)));
        EXPECT_TRUE(at::allclose(two.probabilities[place], first / first.sum(), 1e-4, 1e-5));
      }
    }
  }
}

TEST_P(SearchOf, AnEmptyBatchIsNoWork) {
  const DecoderParameters p = decoder(1, kWords, GetParam());
  EXPECT_TRUE(CaptionSearch(p).run(at::empty({0, 6, 12}), {}).empty());
}

TEST_P(SearchOf, SamplesCaptionsAsOftenAsTheyAreLikely) {
  const DecoderParameters p = decoder(5, kWords, GetParam());
  const torch::Tensor photos = at::randn({2, 6, 12});
  at::manual_seed(11);
  constexpr std::int64_t kCount = 4'000;
  const auto drawn = CaptionSearch(p).sample(photos, kCount, 3);
  ASSERT_EQ(drawn.size(), static_cast<std::size_t>(2 * kCount));
  for (std::int64_t photo = 0; photo < 2; ++photo) {
    const torch::Tensor first = next_word(p, photos.narrow(0, photo, 1), {}).exp();
    std::vector<double> counts(kWords, 0);
    for (std::int64_t i = 0; i < kCount; ++i) {
      const auto& words = drawn[static_cast<std::size_t>(photo * kCount + i)].tokens;
      ++counts[static_cast<std::size_t>(words.empty() ? kEndToken : words[0])];
    }
    for (std::int64_t word = 0; word < kWords; ++word) {
      const double share = first[word].item<double>();
      const double sigma = std::sqrt(share * (1 - share) / kCount);
      EXPECT_NEAR(counts[static_cast<std::size_t>(word)] / kCount, share, 5 * sigma + 1e-6) << word;
    }
  }
}

TEST_P(SearchOf, ASamplesLogProbabilityIsThatOfStepByStepScoring) {
  const DecoderParameters p = decoder(6, 30, GetParam());
  const torch::Tensor photos = at::randn({3, 6, 12});
  at::manual_seed(12);
  const auto drawn = CaptionSearch(p).sample(photos, 4, 6);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const torch::Tensor photo = photos.narrow(0, static_cast<std::int64_t>(i) / 4, 1);
    EXPECT_NEAR(drawn[i].log_prob, log_prob_of(p, photo, drawn[i].tokens), 1e-3);
  }
}

TEST_P(SearchOf, CriticLossIsMinusTheMeanLogProbabilityOfAWordTimesItsCaptionsAdvantage) {
  const DecoderParameters p = decoder(7, 30, GetParam());
  const torch::Tensor photos = at::randn({2, 6, 12});
  const std::vector<std::vector<std::int64_t>> rows{
      {4, 5, kEndToken}, {9, kEndToken}, {7, 8, 4, 6, kEndToken}};
  const std::vector<std::int64_t> photo_of{0, 1, 1};
  const std::vector<float> advantage{0.5F, -2.0F, 1.25F};

  const Batch batch = pack_rows(rows, photo_of, {0, 1}, {false, false});
  const double loss =
      critic_loss(p, {photos, {}}, batch,
                  at::tensor(advantage).index_select(0, at::tensor(batch.row_of)), {.dropout = 0})
          .item<double>();

  double expected = 0, words = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::vector<std::int64_t> without_end(rows[r].begin(), rows[r].end() - 1);
    expected -= static_cast<double>(advantage[r]) *
                log_prob_of(p, photos.narrow(0, photo_of[r], 1), without_end);
    words += static_cast<double>(rows[r].size());
  }
  EXPECT_NEAR(loss, expected / words, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Decoders, SearchOf, testing::ValuesIn(decoder_names()),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace photoscribe
