// Words behind which a caption does not end.
#include "models/search/endings.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "models/open_model.h"
#include "models/search/caption_network.h"
#include "models/search/search.h"
#include "tests/models/small_model.h"

namespace photoscribe {
namespace {

Vocabulary some_words() {
  return *Vocabulary::make({"a", "the", "dog", "in", "on", "red", "white", "and", "is", "shirt",
                            "dressed", "his", "sitting", "zwei"});
}

torch::Tensor words_of(const Vocabulary& vocabulary, const std::string& caption) {
  std::istringstream words(caption);
  std::vector<std::int64_t> numbers;
  for (std::string word; words >> word;) numbers.push_back(vocabulary.number(word));
  return at::tensor(numbers).unsqueeze(0);
}

TEST(EndingRuleOf, PhrasesThatAreOpen) {
  const Vocabulary vocabulary = some_words();
  const EndingRule rule(vocabulary);
  const auto open = [&](const char* caption) {
    return rule.open(words_of(vocabulary, caption)).item<bool>();
  };
  for (const char* caption :
       {"a", "a dog in", "a dog is", "a dog and", "a dog on a red", "a dog on a red and white",
        "a dog on the red and", "dog sitting on his", "the white", "a dog in red and"})
    EXPECT_TRUE(open(caption)) << caption;
  for (const char* caption : {"dog", "a dog", "a red dog", "a dog dressed in red",
                              "a dog dressed in red and white", "a red and white shirt", "red",
                              "red and white", "a dog is red", "a dog and zwei", "unknown"})
    EXPECT_FALSE(open(caption)) << caption;
}

TEST(EndingRuleOf, LooksAtEachRowByItself) {
  const Vocabulary vocabulary = some_words();
  const torch::Tensor rows =
      at::cat({words_of(vocabulary, "a red dog"), words_of(vocabulary, "on a red"),
               words_of(vocabulary, "dressed in red")});
  EXPECT_TRUE(at::equal(EndingRule(vocabulary).open(rows), at::tensor({0, 1, 0}).to(torch::kBool)));
  torch::Tensor log_p = at::full({3, vocabulary.size()}, -2.0F);
  EndingRule(vocabulary).penalise(log_p, rows);
  EXPECT_EQ(log_p[0][kEndToken].item<float>(), -2);
  EXPECT_LT(log_p[1][kEndToken].item<float>(), -6);
  EXPECT_EQ(log_p.sum().item<float>(), -2.0F * 3 * static_cast<float>(vocabulary.size()) - 8);
  const torch::Tensor before = log_p.clone();
  EndingRule().penalise(log_p, rows);
  EXPECT_TRUE(at::equal(log_p, before)) << "no rule";
}

TEST(EndingRuleOf, ANetworksSearchPrefersACaptionThatEndsWell) {
  const Vocabulary vocabulary = some_words();
  StoredModel model = random_model(small_model().folder.architecture, vocabulary, 4);
  // Every word is as likely at each place as its bias says, and the end a little less.
  model.tensors["decoder.word.weight"].zero_();
  torch::Tensor& bias = model.tensors["decoder.word.bias"];
  bias.fill_(-9);
  bias[vocabulary.number("the")] = 2.0;
  bias[vocabulary.number("dog")] = 1.9;
  bias[kEndToken] = 1.8;
  const SearchSettings settings{.beam = 4, .length_alpha = 1, .tokens_max = 4};
  const CaptionNetwork network({&model}, torch::kCPU, torch::kFloat32);
  const torch::NoGradGuard no_grad;
  const torch::Tensor features = network.encode(at::randn({1, 64, 64, 3}));
  const auto text = [&](const std::vector<Hypothesis>& found) {
    return vocabulary.text(found.front().tokens);
  };
  EXPECT_EQ(text(network.decode(features, settings)), "the the the dog");
  const CaptionSearch without(
      take_decoder(model.tensors, model.folder.architecture, vocabulary.size()));
  EXPECT_EQ(text(without.run(features, settings)), "the the the the");
}

}  // namespace
}  // namespace photoscribe
