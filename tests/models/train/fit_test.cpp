// Training on small generated photos: it learns, it resumes after a stop as if there had been none,
// and the last stage changes every layer of the encoder.
#include "models/train/fit.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "models/encoder/encoder.h"
#include "models/format/model_store.h"
#include "models/train/average.h"
#include "models/train/weights.h"
#include "tests/models/train/fit_fixture.h"
#include "tests/models/train/train_process.h"
#include "tests/support/must.h"

namespace photoscribe {
namespace {

using test::Ended;
using test::Fit;
using test::kSide;
using test::run_train;
using testing::HasSubstr;

TEST_F(Fit, LearnsToTellColoursApart) {
  FitOptions o = options("model");
  o.epochs = 30;
  o.patience = 30;
  o.architecture.hidden_size = 64;
  o.warmup_steps = 20;
  o.rate = 0.01;
  o.weight_decay = 0;
  o.loss = {.dropout = 0, .label_smoothing = 0, .attention_penalty = 0};
  const Status status = fit(o);
  ASSERT_TRUE(status) << status.error().message;
  const auto model = load_model(o.output);
  ASSERT_TRUE(model) << model.error().message;
  std::ifstream curve(o.work + "/curve.csv");
  std::string line, last;
  double best = 0;
  std::getline(curve, line);
  EXPECT_EQ(line, "stage,epoch,step,rate,loss,bleu1,bleu2,bleu3,bleu4,seconds,cider");
  while (std::getline(curve, line)) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 6; ++i) std::getline(fields, field, ',');
    best = std::max(best, std::stod(field));
  }
  EXPECT_GT(best, 0.95);  // BLEU-1 over the training photos
}

TEST_F(Fit, GoesOnAfterAStopAsIfThereHadBeenNone) {
  FitOptions whole = options("whole");
  const Status first = fit(whole);
  ASSERT_TRUE(first) << first.error().message;
  FitOptions parts = options("parts");
  parts.steps_max = 2;  // in the middle of the first epoch
  const Status stopped = fit(parts);
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_FALSE(std::filesystem::exists(parts.output + "/model.yaml"));
  parts.steps_max = 0;
  const Status resumed = fit(parts);
  ASSERT_TRUE(resumed) << resumed.error().message;
  const auto a = load_tensors(whole.work + "/checkpoint.safetensors");
  const auto b = load_tensors(parts.work + "/checkpoint.safetensors");
  ASSERT_TRUE(a && b);
  ASSERT_EQ(a->size(), b->size());
  for (const auto& [name, tensor] : *a) EXPECT_TRUE(at::equal(tensor, b->at(name))) << name;
}

TEST_F(Fit, GoesOnInEveryStageAfterBeingKilledAsIfItHadNotBeen) {
  // The trainer itself, ended by SIGKILL once in each stage.
  const auto arguments = [this](const std::string& name) {
    return this->arguments(name, {"--train",
                                  list_,
                                  "--dev",
                                  list_,
                                  "--allow-overlap",
                                  "--average",
                                  "0.9",
                                  "--cache-block",
                                  "features.13",
                                  "--views",
                                  "4",
                                  "--critic-epochs",
                                  "3",
                                  "--critic-photos",
                                  "4",
                                  "--critic-samples",
                                  "3",
                                  "--critic-rate",
                                  "1e-3",
                                  "--critic-score-steps",
                                  "3",
                                  "--critic-dropout",
                                  "0.1",
                                  "--finetune-steps",
                                  "6",
                                  "--finetune-photos",
                                  "3",
                                  "--finetune-score-steps",
                                  "3"});
  };
  const Ended whole = run_train(arguments("whole"));
  EXPECT_EQ(whole.outcome, 0) << whole.output;
  for (const char* line : {"epoch 1:", "step 3:", "training encoder"}) {
    const Ended killed = run_train(arguments("parts"), {.at_line = line});
    EXPECT_EQ(killed.outcome, SIGKILL) << line << killed.output;
  }
  const Ended parts = run_train(arguments("parts"));
  EXPECT_EQ(parts.outcome, 0) << parts.output;

  for (const char* file : {".work/checkpoint.safetensors", "/weights.safetensors"}) {
    const auto a = load_tensors(folder_.file(std::string("whole") + file));
    const auto b = load_tensors(folder_.file(std::string("parts") + file));
    ASSERT_TRUE(a && b);
    ASSERT_EQ(a->size(), b->size());
    for (const auto& [name, tensor] : *a) EXPECT_TRUE(at::equal(tensor, b->at(name))) << name;
  }
}

TEST_F(Fit, SelfCriticalTrainingRaisesTheReward) {
  FitOptions o = options("critic");
  o.epochs = 3;
  o.critic_epochs = 60;
  o.critic_photos = 6;
  o.critic_rate = 0.01;
  o.critic_score_steps = 10;
  const Status status = fit(o);
  ASSERT_TRUE(status) << status.error().message;
  std::ifstream curve(o.work + "/curve.csv");
  std::vector<double> rewards;
  for (std::string line; std::getline(curve, line);) {
    if (!line.starts_with("critic,")) continue;
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) std::getline(fields, field, ',');
    rewards.push_back(std::stod(field));
  }
  ASSERT_EQ(rewards.size(), 12U);
  EXPECT_GT(rewards.back(), 1.2 * rewards.front());
}

/// The models of `first` and of `second`, which starts from its weights and trains nothing.
std::pair<StoredModel, StoredModel> trained_and_started(const FitOptions& first,
                                                        FitOptions second) {
  test::must(fit(first));
  second.start = first.work + "/best.safetensors";
  second.epochs = 0;
  test::must(fit(second));
  return {test::must(load_model(first.output)), test::must(load_model(second.output))};
}

TEST_F(Fit, StartsFromTheWeightsOfAnotherRun) {
  FitOptions first = options("first");
  first.finetune_steps = 2;
  first.finetune_rate = 1e-3;
  FitOptions second = options("second");
  const auto [a, b] = trained_and_started(first, second);
  for (const auto& [name, tensor] : a.tensors)
    EXPECT_TRUE(at::equal(tensor, b.tensors.at(name))) << name;
}

// Words are numbered by how frequent they are, so other captions number them otherwise.
TEST_F(Fit, KeepsWhatItLearntOfWordsWithOtherCaptions) {
  FitOptions first = options("first");
  std::string captions;
  std::ifstream list(list_);
  for (std::string name; std::getline(list, name);)
    captions += name + "#0\twall sun today\n" + name +
                "#1\ta red wall in the calm blue sea is green grass today\n";
  FitOptions second = options("second");
  second.sources.captions = {folder_.write("other.txt", captions)};
  const auto [a, b] = trained_and_started(first, second);
  ASSERT_NE(a.vocabulary.words(), b.vocabulary.words());
  for (const char* table : {"decoder.embedding.weight", "decoder.word.weight"}) {
    for (std::int64_t i = 0; i < a.vocabulary.size(); ++i) {
      const auto& words = b.vocabulary.words();
      const auto found = std::find(words.begin(), words.end(), a.vocabulary.word(i));
      ASSERT_NE(found, words.end()) << a.vocabulary.word(i);
      EXPECT_TRUE(at::equal(a.tensors.at(table)[i], b.tensors.at(table)[found - words.begin()]))
          << table << ": " << a.vocabulary.word(i);
    }
  }
}

TEST_F(Fit, RefusesWeightsThatDoNotSayTheirWords) {
  FitOptions o = options("next");
  o.start = folder_.file("old.safetensors");
  ASSERT_TRUE(save_tensors(o.start, {{"decoder.word.weight", at::zeros({4, 2})}}));
  const Status status = fit(o);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("does not say which words its rows are for"));
}

TEST_F(Fit, TheLastStageMovesEveryLayer) {
  FitOptions o = options("moved");
  o.finetune_steps = 3;
  o.finetune_rate = 1e-3;
  o.finetune_photos = 3;
  const Status status = fit(o);
  ASSERT_TRUE(status) << status.error().message;
  const auto model = load_model(o.output);
  ASSERT_TRUE(model) << model.error().message;
  const auto initial = load_tensors(o.encoder);
  ASSERT_TRUE(initial);
  for (const auto& [name, tensor] : *initial) {
    EXPECT_FALSE(at::equal(model->tensors.at("encoder." + name),
                           tensor.to(torch::kFloat16).to(torch::kFloat32)))
        << name;
  }
}

TEST_F(Fit, TrainsWhatFollowsTheCachedBlockAndNothingBeforeIt) {
  FitOptions o = options("half");
  o.cache_block = "features.13";
  o.views = 4;
  o.critic_epochs = 1;
  o.critic_photos = 4;
  o.critic_rate = 1e-3;
  const Status status = fit(o);
  ASSERT_TRUE(status) << status.error().message;
  const auto initial = load_tensors(o.encoder), now = load_tensors(o.work + "/best.safetensors");
  ASSERT_TRUE(initial && now);
  const Encoder encoder("mobilenet_v2", *initial);
  for (const auto& [name, tensor] : encoder.until("features.13").parameters())
    EXPECT_TRUE(at::equal(now->at("encoder." + name), tensor)) << name;
  for (const auto& [name, tensor] : encoder.after("features.13").parameters())
    EXPECT_FALSE(at::equal(now->at("encoder." + name), tensor)) << name;
}

TEST_F(Fit, GoesOnSelfCriticallyFromTheMeanOfTwoRuns) {
  std::vector<std::string> weights;
  for (const std::uint64_t seed : {1U, 2U}) {
    FitOptions one = options("run" + std::to_string(seed));
    one.seed = seed;
    one.epochs = 1;
    ASSERT_TRUE(fit(one));
    weights.push_back(one.work + "/best.safetensors");
  }
  const auto mean = average_weights(weights);
  ASSERT_TRUE(mean) << mean.error().message;
  const auto a = load_tensors(weights[0]), b = load_tensors(weights[1]);
  ASSERT_TRUE(a && b);
  ASSERT_EQ(mean->tensors.size(), a->size());
  for (const auto& [name, tensor] : mean->tensors)
    EXPECT_TRUE(at::allclose(tensor, (a->at(name) + b->at(name)) / 2)) << name;
  EXPECT_FALSE(at::equal(a->at("decoder.word.weight"), b->at("decoder.word.weight")));
  ASSERT_TRUE(save_weights(folder_.file("mean.safetensors"), *mean));
  FitOptions last = options("last");
  last.start = folder_.file("mean.safetensors");
  last.epochs = 0;
  last.finetune_steps = 2;
  last.finetune_photos = 3;
  last.finetune_critic = true;
  const Status status = fit(last);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(load_model(last.output));
}

TEST_F(Fit, RefusesTheMeanOfUnlikeModels) {
  ASSERT_TRUE(save_tensors(folder_.file("a"), {{"x", at::zeros({2})}, {"y", at::zeros({1})}}));
  ASSERT_TRUE(save_tensors(folder_.file("b"), {{"x", at::zeros({3})}, {"y", at::zeros({1})}}));
  ASSERT_TRUE(save_tensors(folder_.file("c"), {{"x", at::zeros({2})}}));
  for (const auto& [other, why] : {std::pair{"b", "x is [3]"}, std::pair{"c", "has no y"}}) {
    const auto mean = average_weights({folder_.file("a"), folder_.file(other)});
    ASSERT_FALSE(mean);
    EXPECT_THAT(mean.error().message, HasSubstr(folder_.file(other) + ": "));
    EXPECT_THAT(mean.error().message, HasSubstr(why));
  }
}

TEST_F(Fit, RefusesACheckpointOfOtherSettings) {
  FitOptions o = options("model");
  o.steps_max = 1;
  ASSERT_TRUE(fit(o));
  o.seed = 2;
  const Status status = fit(o);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("other settings (seed 1, here 2)"));
}

TEST_F(Fit, NamesTheLineOfAListThatHasNoCaption) {
  FitOptions o = options("model");
  o.splits.dev = folder_.write("dev.txt", "red0.bmp\nnobody.jpg\n");
  const Status status = fit(o);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("line 2"));
  EXPECT_THAT(status.error().message, HasSubstr("nobody.jpg"));
}

}  // namespace
}  // namespace photoscribe
