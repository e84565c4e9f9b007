// What a search keeps beside its captions: the others that it finished, and where it looked.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "models/decoder/step_network.h"
#include "models/search/attention.h"
#include "models/search/search.h"
#include "tests/models/search/next_word.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kWords = 7, kGrid = 9;  // three of them are words

ModelArchitecture tiny(const std::string& name) {
  ModelArchitecture a;
  a.decoder = name;
  a.feature_channels = a.annotation_size = 12;
  a.embedding_size = 11;
  a.hidden_size = 7;
  a.attention_size = 5;
  return a;
}

DecoderParameters tiny_decoder(std::uint64_t seed, const std::string& name,
                               std::int64_t words = kWords) {
  at::manual_seed(seed);
  TensorMap tensors = random_decoder(tiny(name), words);
  for (auto& item : tensors) item.second = item.second * 4;
  return take_decoder(tensors, tiny(name), words);
}

using Words = std::vector<std::int64_t>;

/// Every caption of up to `words_max` words with its log-probability.
void list_all(const DecoderParameters& p, const torch::Tensor& photo, std::size_t words_max,
              Words& words, double log_prob, std::vector<FinishedCaption>& all) {
  const torch::Tensor log_p = next_word(p, photo, words);
  const double ended = log_prob + log_p[kEndToken].item<double>();
  all.push_back({words, ended, ended});
  if (words.size() == words_max) return;
  for (std::int64_t word = kUnknownToken + 1; word < kWords; ++word) {
    words.push_back(word);
    list_all(p, photo, words_max, words, log_prob + log_p[word].item<double>(), all);
    words.pop_back();
  }
}

class LooksOf : public testing::TestWithParam<std::string> {};

TEST_P(LooksOf, AWideBeamKeepsTheBestOfAllOtherCaptions) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const DecoderParameters p = tiny_decoder(seed, GetParam());
    const torch::Tensor photo = at::randn({1, kGrid, 12});
    std::vector<FinishedCaption> all;
    Words words;
    list_all(p, photo, 3, words, 0, all);
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.score > b.score; });
    SearchSettings settings{.beam = 64, .length_alpha = 0, .tokens_max = 3};
    settings.alternatives = 4;

    const Hypothesis found = CaptionSearch(p).run(photo, settings)[0];

    EXPECT_EQ(found.tokens, all[0].tokens);
    ASSERT_EQ(found.others.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(found.others[i].tokens, all[i + 1].tokens) << seed << " " << i;
      EXPECT_NEAR(found.others[i].log_prob, all[i + 1].log_prob, 1e-4);
    }
  }
}

// Asked for or not, a photo's caption and what speaks for it are the same, in any batch.
TEST_P(LooksOf, WhatIsKeptBesideACaptionChangesNothingOfIt) {
  const DecoderParameters p = tiny_decoder(13, GetParam(), 200);
  const torch::Tensor photos = at::randn({24, kGrid, 12});
  SearchSettings settings{.beam = 3, .length_alpha = 0.7, .tokens_max = 10};
  const CaptionSearch search(p);
  const auto plain = search.run(photos, settings);
  settings.alternatives = 3;
  const auto kept = search.run(photos, settings);
  std::size_t others = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(plain[i].tokens, kept[i].tokens) << i;
    EXPECT_NEAR(plain[i].log_prob, kept[i].log_prob, 1e-4) << i;
    EXPECT_TRUE(plain[i].others.empty());
    EXPECT_LE(kept[i].others.size(), 3U);
    const auto alone = search.run(photos.narrow(0, static_cast<std::int64_t>(i), 1), settings);
    ASSERT_EQ(alone[0].others.size(), kept[i].others.size()) << i;
    for (std::size_t k = 0; k < kept[i].others.size(); ++k) {
      const FinishedCaption& one = kept[i].others[k];
      EXPECT_EQ(alone[0].others[k].tokens, one.tokens) << i;
      EXPECT_NE(one.tokens, kept[i].tokens);
      const auto length = static_cast<std::int64_t>(one.tokens.size()) + 1;
      EXPECT_NEAR(one.score, one.log_prob / length_norm(length, 0.7), 1e-4);
      EXPECT_LE(one.score, kept[i].others[k == 0 ? 0 : k - 1].score);
      ++others;
    }
  }
  EXPECT_GT(others, plain.size());
}

TEST_P(LooksOf, MapsAreTheAttentionOfEachWordInOrder) {
  const DecoderParameters p = tiny_decoder(5, GetParam(), 30);
  const torch::Tensor photos = at::randn({3, kGrid, 12});
  const std::vector<Words> captions{{5, 9, 6, 20}, {}, {7, 7}};

  const torch::Tensor traced = trace_attention(p, photos, captions);
  const auto maps = AttentionTracer({p}).trace(photos, captions);

  if (GetParam() == "show_tell") {
    EXPECT_FALSE(traced.defined()) << "it looks at the photo once, and at no place of it";
    EXPECT_FALSE(maps[0]);
    return;
  }
  double off = 0;
  EXPECT_FALSE(maps[1]) << "no words";
  for (const std::int64_t i : {0, 2}) {
    const Words& words = captions[static_cast<std::size_t>(i)];
    const AttentionMaps& map = maps[static_cast<std::size_t>(i)].value();
    EXPECT_EQ(map.width, 3);
    EXPECT_TRUE(fits(map, static_cast<int>(words.size())));
    // One photo by itself, word by word.
    const Annotations a = annotate(p, photos.narrow(0, i, 1));
    torch::Tensor h = a.h, c = a.c, alpha;
    for (std::size_t t = 0; t < words.size(); ++t) {
      (void)reference_step(p, a, at::tensor({t == 0 ? kStartToken : words[t - 1]}), h, c, &alpha);
      const torch::Tensor here = traced[static_cast<std::int64_t>(t)][i];
      off = std::max(off, (here - alpha[0]).abs().max().item<double>());
      EXPECT_NEAR(here.sum().item<double>(), 1, 1e-5);
      const double most = alpha.max().item<double>();
      for (std::int64_t k = 0; k < kGrid; ++k) {
        EXPECT_NEAR(map.cells[t * kGrid + static_cast<std::size_t>(k)],
                    alpha[0][k].item<double>() / most * 255, 0.51);
      }
    }
  }
  std::printf("attention: off by at most %.3g\n", off);
  EXPECT_LT(off, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Decoders, LooksOf,
                         testing::Values("show_attend_tell", "top_down", "attend_on_attend",
                                         "plain_attend_tell", "show_tell"));

TEST(Looks, OfAnEnsembleAreTheMeanOfItsMembers) {
  const DecoderParameters a = tiny_decoder(1, "top_down", 30), b = tiny_decoder(2, "top_down", 30);
  const torch::Tensor features = at::randn({1, kGrid, 24});
  const std::vector<Words> captions{{5, 9}};
  const torch::Tensor mean = trace_attention(a, features.narrow(2, 0, 12), captions) +
                             trace_attention(b, features.narrow(2, 12, 12), captions);

  const auto maps = AttentionTracer({a, b}).trace(features, captions);

  for (std::int64_t k = 0; k < kGrid; ++k) {
    EXPECT_NEAR(maps[0]->cells[static_cast<std::size_t>(k)],
                mean[0][0][k].item<double>() / mean[0][0].max().item<double>() * 255, 0.51);
  }
}

}  // namespace
}  // namespace photoscribe
