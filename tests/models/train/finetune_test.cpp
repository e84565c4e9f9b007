// A model is fine-tuned on an archive: what it knew stays, new words are added, and no options are
// needed.
#include "models/train/finetune.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "models/decoder/decoder.h"
#include "models/format/model_store.h"
#include "models/format/safetensors.h"
#include "tests/models/train/fit_fixture.h"
#include "tests/models/train/train_process.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;
using test::Ended;
using test::Fit;
using test::run_train;
using testing::HasSubstr;

class FineTune : public Fit {
 protected:
  /// A model with a classifier of concepts and a confidence, trained on the fixture's photos.
  std::string start() {
    FitOptions o = options("start");
    o.concepts = folder_.write("concepts.txt", "wall\ngrass\nsea\n");
    o.architecture.concept_slots = 2;
    const Status status = fit(o);
    EXPECT_TRUE(status) << status.error().message;
    ConfidenceModel confidence;
    confidence.bias = 1.5;
    confidence.min = 0.25;
    EXPECT_TRUE(write_confidence(o.output, confidence));
    return o.output;
  }

  /// Captions of the same photos in which "sea" is "lagoon", one per photo.
  std::string archive() const {
    std::string lines;
    for (int i = 0; i < 4; ++i)
      lines += "blue" + std::to_string(i) + ".bmp#0\tthe blue lagoon is calm .\n" + "green" +
               std::to_string(i) + ".bmp#0\tgreen grass .\n";
    return folder_.write("archive.txt", lines);
  }

  FitOptions tuning(const std::string& name) {
    FitOptions o = options(name);
    o.start = start();
    const auto model = read_model_folder(o.start);
    EXPECT_TRUE(model);
    o.architecture = model->architecture;
    o.encoder.clear();
    o.sources.captions = {archive()};
    o.splits.train = o.splits.dev = "";
    return o;
  }

  static StoredModel load(const std::string& folder) {
    auto model = load_model(folder);
    EXPECT_TRUE(model) << model.error().message;
    return std::move(*model);
  }
};

TEST_F(FineTune, OldWordsKeepTheirNumbersAndNewOnesFollow) {
  const std::vector<std::string> before{"<pad>", "<start>", "<end>", "<unk>", "a", "dog", "runs"};
  const std::vector<CaptionedPhoto> photos{
      {"p", {{"a", "lagoon"}, {"a", "kiosk", "runs"}, {"kiosk", "lagoon", "kiosk"}}},
      {"q", {{"once"}}}};
  const auto words = extend_vocabulary(before, photos, {.count_min = 2});
  ASSERT_TRUE(words);
  ASSERT_EQ(words->size(), 9);
  EXPECT_EQ(words->number("dog"), 5);  // which the archive never uses
  EXPECT_EQ(words->number("runs"), 6);
  EXPECT_EQ(words->word(7), "kiosk");  // the more frequent first
  EXPECT_EQ(words->word(8), "lagoon");
  EXPECT_EQ(words->number("once"), kUnknownToken);
  const auto none = extend_vocabulary(before, photos, {.count_min = 9});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->size(), 7);
}

TEST_F(FineTune, AConceptThatNoCaptionNamesStaysToTheBit) {
  at::manual_seed(4);
  const TensorMap decoder{{"decoder.concept.feature.mean", at::zeros({6})},
                          {"decoder.concept.feature.std", at::ones({6})},
                          {"decoder.concept.head.weight", at::randn({3, 6})},
                          {"decoder.concept.head.bias", at::zeros({3})}};
  const torch::Tensor mean = at::randn({20, 6});
  torch::Tensor named = at::zeros({20, 3});
  named.select(1, 1).fill_(1);
  const ConceptHead kept = keep_concept_head(decoder, mean, named, 1);
  const torch::Tensor &before = decoder.at("decoder.concept.head.weight"),
                      &after = kept.parameters.at("decoder.concept.head.weight");
  EXPECT_TRUE(at::equal(before[0], after[0]));
  EXPECT_TRUE(at::equal(before[2], after[2]));
  EXPECT_FALSE(at::equal(before[1], after[1]));
  const auto mean_probability = [&mean](const torch::Tensor& weight, const torch::Tensor& bias) {
    return at::sigmoid(at::linear(mean, weight, bias)).select(1, 1).mean().item<double>();
  };
  EXPECT_GT(mean_probability(after, kept.parameters.at("decoder.concept.head.bias")),
            mean_probability(before, at::zeros({3})));
}

TEST_F(FineTune, WordsConceptsEncoderAndConfidenceStay) {
  const FitOptions o = tuning("tuned");
  const Status status = fit(o);
  ASSERT_TRUE(status) << status.error().message;
  const StoredModel before = load(o.start), after = load(o.output);
  const auto& old_words = before.vocabulary.words();
  ASSERT_GT(after.vocabulary.size(), before.vocabulary.size());
  EXPECT_TRUE(std::equal(old_words.begin(), old_words.end(), after.vocabulary.words().begin()));
  EXPECT_NE(after.vocabulary.number("lagoon"), kUnknownToken);
  ASSERT_EQ(after.concepts.size(), before.concepts.size() + 1);
  EXPECT_EQ(after.concepts.back().words, std::vector<std::string>{"lagoon"});
  for (std::size_t m = 0; m < before.concepts.size(); ++m)
    EXPECT_EQ(after.concepts[m].words, before.concepts[m].words);
  for (const auto& [name, tensor] : before.tensors) {
    if (!name.starts_with("encoder.")) continue;
    EXPECT_TRUE(at::equal(tensor, after.tensors.at(name))) << name;
  }
  const auto tuned = load_tensors(o.work + "/best.safetensors");
  ASSERT_TRUE(tuned);
  for (const auto& [name, tensor] : before.tensors) {
    if (!name.starts_with("decoder.") || !is_trained_by_captions(name)) continue;
    EXPECT_TRUE(at::equal(tensor, tuned->at(name).narrow(0, 0, tensor.size(0)))) << name;
  }
  ASSERT_TRUE(after.folder.confidence);
  EXPECT_EQ(*after.folder.confidence, *before.folder.confidence);
}

TEST_F(FineTune, TheStartTeachesButForNewWords) {
  const FitOptions o = tuning("tuned");
  ASSERT_TRUE(fit(o));
  const auto taught = load_tensors(o.work + "/teacher.safetensors");
  ASSERT_TRUE(taught) << taught.error().message;
  const torch::Tensor &targets = taught->at("targets"), &words = taught->at("words"),
                      probabilities = taught->at("probabilities").to(torch::kFloat32);
  const std::int64_t lagoon = load(o.output).vocabulary.number("lagoon");
  const torch::Tensor sums = probabilities.sum(1);
  EXPECT_LT(sums.max().item<double>(), 1.01);
  std::int64_t new_words = 0;
  for (std::int64_t place = 0; place < targets.size(0); ++place) {
    if (targets[place].item<std::int64_t>() != lagoon) continue;
    ++new_words;
    EXPECT_EQ(words[place][-1].item<std::int64_t>(), lagoon);
    EXPECT_EQ(probabilities[place][-1].item<double>(), 1);
  }
  EXPECT_GT(new_words, 0);
}

TEST_F(FineTune, NeedsNoFurtherOptionsAndSaysWhatItKept) {
  const std::string model = start();
  const std::vector<std::string> arguments{"fit",
                                           "--start",
                                           model,
                                           "--photos",
                                           folder_.path().string(),
                                           "--captions",
                                           archive(),
                                           "--output",
                                           folder_.file("tuned"),
                                           "--threads",
                                           "1"};
  const Ended trained = run_train(arguments);
  ASSERT_EQ(trained.outcome, 0) << trained.output;
  EXPECT_THAT(trained.output, HasSubstr("still that of " + model));
  const auto checkpoint =
      SafetensorsFile::open(folder_.file("tuned.work") + "/checkpoint.safetensors");
  ASSERT_TRUE(checkpoint);
  const std::string settings = checkpoint->metadata().at("settings");
  for (const char* line : {"rate: 0.005\n", "epochs: 6\n", "dropout: 0.3\n", "select-by: cider\n",
                           "teacher-share: 0.7\n"})
    EXPECT_THAT(settings, HasSubstr(line));
}

TEST_F(FineTune, WhatIsTypedWinsAndTheTeacherCanBeLeftOut) {
  const std::string model = start();
  const Ended trained =
      run_train({"fit", "--start", model, "--photos", folder_.path().string(), "--captions",
                 archive(), "--output", folder_.file("tuned"), "--threads", "1", "--no-teacher",
                 "--epochs", "1", "--rate", "0.0008"});
  ASSERT_EQ(trained.outcome, 0) << trained.output;
  EXPECT_FALSE(fs::exists(folder_.file("tuned.work") + "/teacher.safetensors"));
  const auto checkpoint =
      SafetensorsFile::open(folder_.file("tuned.work") + "/checkpoint.safetensors");
  ASSERT_TRUE(checkpoint);
  EXPECT_THAT(checkpoint->metadata().at("settings"), HasSubstr("rate: 0.0008\n"));
  EXPECT_THAT(checkpoint->metadata().at("settings"), HasSubstr("epochs: 1\n"));
}

TEST_F(FineTune, AClassifierOfConceptsKeepsTheEncoderStill) {
  FitOptions o = tuning("moving");
  o.finetune_steps = 1;
  const Status status = fit(o);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("omit --cache-block and --finetune-steps"));
}

}  // namespace
}  // namespace photoscribe
