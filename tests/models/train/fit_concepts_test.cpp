// Training with concepts and text: words without training photos are used where the classifier sees
// the thing; lists, words, texts and evaluate's settings are taken as intended.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "models/format/model_store.h"
#include "models/search/caption_network.h"
#include "models/train/features.h"
#include "models/train/fit.h"
#include "tests/models/train/fit_fixture.h"
#include "tests/models/train/train_process.h"

namespace photoscribe {
namespace {

using test::Fit;
using test::kSide;
using testing::HasSubstr;

class FitConcepts : public Fit {
 protected:
  /// Photos of red walls, green grass and blue seas with captions; grey ones without, which another
  /// classifier calls zebras; and sentences about zebras.
  FitOptions options_with_text(const std::string& name) {
    FitOptions o = options(name);
    std::string labels, further, text;
    for (unsigned char i = 0; i < 8; ++i) {
      const std::string grey = "grey" + std::to_string(i) + ".bmp";
      const auto level = static_cast<unsigned char>(100 + 5 * i);
      folder_.write(grey, test::bmp(kSide, {level, level, level}));
      further += grey + "\n";
      labels += R"({"id": ")" + grey + R"(", "concepts": {"zebra": 1}})" + "\n";
    }
    for (int i = 0; i < 10; ++i)
      text += "a zebra stands here .\ngreen grass .\nthe blue sea is calm today .\n";
    o.concepts = folder_.write("concepts.txt", "zebra, zebras | 340\ngrass\nsea\nwall\nunicorn\n");
    o.concept_labels = folder_.write("labels.jsonl", labels);
    o.concept_photos = folder_.write("further.txt", further);
    o.text = folder_.write("text.txt", text);
    o.text_rows = 12;
    o.text_share = 1;
    o.architecture.concept_slots = 2;
    return o;
  }

  std::string caption(const StoredModel& model, const std::string& photo) const {
    const CaptionNetwork network({&model}, torch::kCPU, torch::kFloat32);
    const auto image = read_photo(folder_.file(photo), kSide);
    const torch::Tensor pixels =
        normalise(*image, model.folder.architecture).permute({1, 2, 0}).unsqueeze(0).contiguous();
    const torch::NoGradGuard no_grad;
    return model.vocabulary.text(
        network.decode(network.encode(pixels), {.beam = 3, .length_alpha = 0.7, .tokens_max = 8})[0]
            .tokens);
  }
};

TEST_F(FitConcepts, AWordWithoutTrainingPhotosIsUsedWhereTheClassifierSeesTheThing) {
  FitOptions o = options_with_text("model");
  o.epochs = 40;
  o.patience = 40;
  o.architecture.hidden_size = 64;
  o.architecture.embedding_size = 32;
  o.warmup_steps = 20;
  o.weight_decay = 0;
  o.loss = {.dropout = 0, .label_smoothing = 0, .attention_penalty = 0};
  const Status status = fit(o);
  ASSERT_TRUE(status) << status.error().message;
  const auto model = load_model(o.output);
  ASSERT_TRUE(model) << model.error().message;

  // A concept without a word in captions or text is left out.
  ASSERT_EQ(model->folder.architecture.concepts, 4);
  EXPECT_EQ(model->concepts[0].words, (std::vector<std::string>{"zebra"}));
  EXPECT_EQ(model->concepts[0].classes, std::vector<int>{340});
  EXPECT_THAT(caption(*model, "grey3.bmp"), HasSubstr("zebra"));
  EXPECT_THAT(caption(*model, "green0.bmp"), HasSubstr("grass"));
  EXPECT_THAT(caption(*model, "blue0.bmp"), HasSubstr("sea"));
}

TEST_F(FitConcepts, GoesOnAfterAStopAsIfThereHadBeenNone) {
  const FitOptions whole = options_with_text("whole");
  const Status first = fit(whole);
  ASSERT_TRUE(first) << first.error().message;
  FitOptions parts = options_with_text("parts");
  parts.steps_max = 2;
  ASSERT_TRUE(fit(parts));
  std::filesystem::remove(parts.work + "/concepts.safetensors");  // fitted again, to the same bits
  parts.steps_max = 0;
  ASSERT_TRUE(fit(parts));
  const auto a = load_tensors(whole.work + "/checkpoint.safetensors"),
             b = load_tensors(parts.work + "/checkpoint.safetensors");
  ASSERT_TRUE(a && b);
  ASSERT_EQ(a->size(), b->size());
  for (const auto& [name, tensor] : *a) EXPECT_TRUE(at::equal(tensor, b->at(name))) << name;
}

TEST_F(FitConcepts, StartsFromAModelsFolderWithOtherWords) {
  const FitOptions first = options("first");
  ASSERT_TRUE(fit(first));
  FitOptions second = options_with_text("second");
  second.start = first.output;
  second.epochs = 1;
  const Status status = fit(second);
  ASSERT_TRUE(status) << status.error().message;
  const auto before = load_model(first.output), after = load_model(second.output);
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->vocabulary.number("zebra"), kUnknownToken);
  EXPECT_NE(after->vocabulary.number("zebra"), kUnknownToken);
  for (const auto& [name, tensor] : before->tensors) {
    if (!name.starts_with("encoder.")) continue;  // the encoder was taken over unchanged
    EXPECT_TRUE(at::equal(tensor, after->tensors.at(name))) << name;
  }
}

TEST_F(FitConcepts, EvaluateTriesTheSettingsThatAModelsFolderMayHave) {
  FitOptions o = options_with_text("tried");
  o.epochs = 10;
  o.architecture.concept_weight = 4;
  ASSERT_TRUE(fit(o));
  const auto captions = [this](const std::string& model, const std::vector<std::string>& more) {
    std::vector<std::string> all{"evaluate",
                                 model,
                                 "--photos",
                                 folder_.path().string(),
                                 "--captions",
                                 captions_,
                                 "--bootstrap",
                                 "0",
                                 "--show",
                                 "--threads",
                                 "1"};
    all.insert(all.end(), more.begin(), more.end());
    const test::Ended ended = test::run_train(all);
    EXPECT_EQ(ended.outcome, 0) << ended.output;
    const auto first = ended.output.find(".bmp\t");  // the photos follow the scores
    EXPECT_NE(first, std::string::npos) << ended.output;
    return first == std::string::npos ? "" : ended.output.substr(ended.output.rfind('\n', first));
  };
  const auto with = [&](const std::string& setting) {
    const std::string model = folder_.file(setting.substr(0, setting.find(':')));
    std::filesystem::copy(o.output, model);
    std::ifstream in(model + "/model.yaml");
    std::string yaml(std::istreambuf_iterator<char>(in), {});
    const std::string place = "  concept_slots:";
    EXPECT_NE(yaml.find(place), std::string::npos);
    yaml.insert(yaml.find(place), "  " + setting + "\n");
    std::ofstream(model + "/model.yaml", std::ios::trunc) << yaml;
    return captions(model, {});
  };
  const std::string own = captions(o.output, {}),
                    undecided = captions(o.output, {"--concept-undecided", "0.999"}),
                    said = captions(o.output, {"--concept-said-min", "0.001"});
  EXPECT_NE(undecided, own);
  EXPECT_NE(said, own);
  EXPECT_EQ(undecided, with("concept_undecided: 0.999"));
  EXPECT_EQ(said, with("concept_said_min: 0.001"));
}

TEST_F(FitConcepts, WhatCannotWorkIsRefusedWithACure) {
  const auto refusal = [](const FitOptions& o) {
    const Status status = fit(o);
    return status ? std::string("was taken") : status.error().message;
  };
  FitOptions moving = options_with_text("moving");
  moving.cache_block = "features.13";
  EXPECT_THAT(refusal(moving), HasSubstr("omit --cache-block"));
  FitOptions alone = options_with_text("alone");
  alone.concepts.clear();
  EXPECT_THAT(refusal(alone), HasSubstr("--text needs --concepts"));
  FitOptions strange = options_with_text("strange");
  strange.concepts = folder_.write("strange.txt", "unicorn\n");
  EXPECT_THAT(refusal(strange), HasSubstr("no caption has a word from it"));
}

TEST_F(FitConcepts, AListSaysHowOftenAnEpochShowsAPhoto) {
  const auto split = read_split(
      {{}, {captions_}}, folder_.write("times.txt", "red0.bmp\t3\ngreen0.bmp\t0\nblue0.bmp\n"));
  ASSERT_TRUE(split) << split.error().message;
  EXPECT_EQ(split->at(0).times, 3);
  EXPECT_EQ(split->at(1).times, 0);
  EXPECT_EQ(split->at(2).times, 1);
  for (const char* wrong :
       {"red0.bmp\t-1\n", "red0.bmp\tx\n", "red0.bmp\t\n", "red0.bmp\t1001\n"}) {
    const auto bad = read_split({{}, {captions_}}, folder_.write("bad.txt", wrong));
    ASSERT_FALSE(bad) << wrong;
    EXPECT_THAT(bad.error().message, HasSubstr("line 1: the number after the tab"));
  }
}

TEST_F(FitConcepts, WordsAreThoseOfCaptionsAndTextTogetherTheMostFrequentFirst) {
  const std::vector<CaptionedPhoto> photos{{"a", {{"dog", "runs"}, {"dog", "runs"}}, 1}};
  const std::vector<Tokens> text{{"zebra", "runs"}, {"zebra", "runs"}, {"fox", "runs"}};
  const auto all = make_vocabulary(photos, text, {.count_min = 2});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 4 + 3);
  EXPECT_EQ(all->word(4), "runs");
  EXPECT_EQ(all->number("fox"), kUnknownToken);
  const auto few = make_vocabulary(photos, text, {.count_min = 2, .words_max = 2});
  ASSERT_TRUE(few);
  EXPECT_EQ(few->size(), 4 + 2);
}

}  // namespace
}  // namespace photoscribe
