// What a search keeps beside its captions: alternatives, and what it attended to.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "models/decoder/step_network.h"
#include "models/format/concepts.h"
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

class AlternativesAndAttentionOf : public testing::TestWithParam<std::string> {};

TEST_P(AlternativesAndAttentionOf, AWideBeamKeepsTheBestOfAllOtherCaptions) {
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
    ASSERT_EQ(found.alternatives.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(found.alternatives[i].tokens, all[i + 1].tokens) << seed << " " << i;
      EXPECT_NEAR(found.alternatives[i].log_prob, all[i + 1].log_prob, 1e-4);
    }
  }
}

// Asked for or not, a photo's caption and its evidence are the same, in any batch.
TEST_P(AlternativesAndAttentionOf, WhatIsKeptBesideACaptionChangesNothingOfIt) {
  const DecoderParameters p = tiny_decoder(13, GetParam(), 200);
  const torch::Tensor photos = at::randn({24, kGrid, 12});
  SearchSettings settings{.beam = 3, .length_alpha = 0.7, .tokens_max = 10};
  const CaptionSearch search(p);
  const auto plain = search.run(photos, settings);
  settings.alternatives = 3;
  const auto kept = search.run(photos, settings);
  std::size_t alternatives = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(plain[i].tokens, kept[i].tokens) << i;
    EXPECT_NEAR(plain[i].log_prob, kept[i].log_prob, 1e-4) << i;
    EXPECT_TRUE(plain[i].alternatives.empty());
    EXPECT_LE(kept[i].alternatives.size(), 3U);
    const auto alone = search.run(photos.narrow(0, static_cast<std::int64_t>(i), 1), settings);
    ASSERT_EQ(alone[0].alternatives.size(), kept[i].alternatives.size()) << i;
    for (std::size_t k = 0; k < kept[i].alternatives.size(); ++k) {
      const FinishedCaption& one = kept[i].alternatives[k];
      EXPECT_EQ(alone[0].alternatives[k].tokens, one.tokens) << i;
      EXPECT_NE(one.tokens, kept[i].tokens);
      const auto length = static_cast<std::int64_t>(one.tokens.size()) + 1;
      EXPECT_NEAR(one.score, one.log_prob / length_norm(length, 0.7), 1e-4);
      EXPECT_LE(one.score, kept[i].alternatives[k == 0 ? 0 : k - 1].score);
      ++alternatives;
    }
  }
  EXPECT_GT(alternatives, plain.size());
}

TEST_P(AlternativesAndAttentionOf, AStepGivesTheAttentionOfTheReferenceStep) {
  const DecoderParameters p = tiny_decoder(5, GetParam(), 30);
  const torch::Tensor photos = at::randn({3, kGrid, 12});
  const auto network = make_step_network(p);
  const Annotations fast = network->annotate_photos(photos), plain = annotate(p, photos);
  torch::Tensor h = fast.h, c = fast.c, plain_h = plain.h, plain_c = plain.c;
  double off = 0;
  for (int t = 0; t < 4; ++t) {
    const torch::Tensor words = at::randint(kUnknownToken + 1, 30, {3}, torch::kInt64);
    torch::Tensor attention, alpha;
    (void)network->step(fast, words, h, c, &attention);
    (void)reference_step(p, plain, words, plain_h, plain_c, &alpha);
    ASSERT_EQ(attention.defined(), GetParam() != "show_tell")
        << "it sees the photo once, without attention";
    ASSERT_EQ(attention.defined(), alpha.defined());
    if (attention.defined()) off = std::max(off, (attention - alpha).abs().max().item<double>());
  }
  std::printf("attention: off by at most %.3g\n", off);
  EXPECT_LT(off, 1e-5);
}

/// The attention (T,L) of the reference step as it writes `words` of one photo (1,L,C).
torch::Tensor attention_of(const DecoderParameters& p, const torch::Tensor& photo,
                           const Words& words) {
  const Annotations a = annotate(p, photo);
  torch::Tensor h = a.h, c = a.c, alpha;
  std::vector<torch::Tensor> all;
  for (std::size_t t = 0; t < words.size(); ++t) {
    (void)reference_step(p, a, at::tensor({t == 0 ? kStartToken : words[t - 1]}), h, c, &alpha);
    all.push_back(alpha[0].narrow(0, 0, kGrid));
  }
  return at::stack(all);
}

/// Each word's map is these weights (T,L), the largest 255.
void expect_maps(const AttentionMaps& maps, const torch::Tensor& weights) {
  EXPECT_EQ(maps.width, 3);
  ASSERT_TRUE(fits(maps, static_cast<int>(weights.size(0))));
  const torch::Tensor wanted = (weights / weights.amax(1, true) * 255).contiguous();
  for (std::int64_t i = 0; i < wanted.numel(); ++i)
    EXPECT_NEAR(maps.cells[static_cast<std::size_t>(i)], wanted.data_ptr<float>()[i], 0.51) << i;
}

// Photos leave the batch one after the other, and beams change places all the time.
TEST_P(AlternativesAndAttentionOf, MapsAreTheAttentionOfEachWordInOrder) {
  const DecoderParameters p = tiny_decoder(5, GetParam(), 30);
  const torch::Tensor photos = at::randn({24, kGrid, 12});
  SearchSettings settings{.beam = 3, .length_alpha = 0.7, .tokens_max = 7};
  const auto unasked = CaptionSearch(p).run(photos, settings);
  settings.attention = 1;
  std::set<std::size_t> lengths;
  for (const int alternatives : {0, 2}) {
    settings.alternatives = alternatives;
    const auto all = CaptionSearch(p).run(photos, settings);
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_FALSE(unasked[i].attention);
      EXPECT_EQ(all[i].tokens, unasked[i].tokens);
      ASSERT_EQ(all[i].attention.has_value(), GetParam() != "show_tell" && !all[i].tokens.empty());
      lengths.insert(all[i].tokens.size());
      if (!all[i].attention) continue;
      const torch::Tensor photo = photos.narrow(0, static_cast<std::int64_t>(i), 1);
      expect_maps(*all[i].attention, attention_of(p, photo, all[i].tokens));
    }
  }
  EXPECT_GT(lengths.size(), GetParam() == "show_attend_tell" ? 2U : 0U) << "all end at once";
}

INSTANTIATE_TEST_SUITE_P(Decoders, AlternativesAndAttentionOf,
                         testing::Values("show_attend_tell", "top_down", "attend_on_attend",
                                         "plain_attend_tell", "show_tell"));

TEST(AttentionMaps, OfAnEnsembleAreTheMeanOfItsMembers) {
  const DecoderParameters a = tiny_decoder(1, "top_down", 30), b = tiny_decoder(2, "top_down", 30);
  const torch::Tensor features = at::randn({1, kGrid, 24});
  const SearchSettings settings{.beam = 3, .length_alpha = 0.7, .tokens_max = 4, .attention = 1};

  const Hypothesis found = CaptionSearch(std::vector{a, b}).run(features, settings)[0];

  ASSERT_FALSE(found.tokens.empty());
  expect_maps(found.attention.value(),
              attention_of(a, features.narrow(2, 0, 12), found.tokens) +
                  attention_of(b, features.narrow(2, 12, 12), found.tokens));
}

// Concepts stand beside the grid, and captions that omit one are searched for again.
TEST(AttentionMaps, LeaveOutWhatGoesToConceptsAndFollowTheirSearch) {
  ModelArchitecture kind = tiny("show_attend_tell");
  kind.concepts = 2;
  kind.concept_slots = 2;
  kind.concept_weight = 0.5;
  const Vocabulary words = *Vocabulary::make({"pizza", "dog", "puppy", "eats"});
  const SearchSettings settings{.beam = 3, .length_alpha = 0.7, .tokens_max = 3, .attention = 1};
  int changed = 0, compared = 0;
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
    at::manual_seed(seed);
    TensorMap tensors = random_decoder(kind, words.size());
    for (auto& item : tensors) item.second = item.second * 3;
    add_concept_numbers(tensors, {{{"pizza"}, {}}, {{"dog", "puppy"}, {}}}, words);
    tensors["decoder.concept.feature.std"].fill_(1);
    const torch::Tensor photos = at::randn({24, kGrid, 12});
    kind.concept_said_min = 0;
    const DecoderParameters plain = take_decoder(tensors, kind, words.size());
    kind.concept_said_min = 0.4;
    const DecoderParameters constrained = take_decoder(tensors, kind, words.size());
    const auto before = CaptionSearch(plain).run(photos, settings),
               all = CaptionSearch(constrained).run(photos, settings);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].tokens.empty()) continue;
      ++compared;
      changed += all[i].tokens != before[i].tokens ? 1 : 0;
      const torch::Tensor photo = photos.narrow(0, static_cast<std::int64_t>(i), 1);
      expect_maps(all[i].attention.value(), attention_of(constrained, photo, all[i].tokens));
    }
  }
  EXPECT_GT(changed, 0);
  EXPECT_LT(changed, compared);
}

}  // namespace
}  // namespace photoscribe
