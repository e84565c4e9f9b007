// fit-encoder: the tail of an encoder and its classifier learn; the rest stays to the bit.
#include "models/train/encoder_fit.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "models/encoder/encoder.h"
#include "models/format/model_store.h"
#include "models/train/label.h"
#include "models/train/loss/concept_head.h"
#include "models/train/loss/mixed.h"
#include "tests/models/train/fit_fixture.h"
#include "tests/models/train/train_process.h"

namespace photoscribe {
namespace {

using test::Ended;
using test::run_train;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kBlock = "features.13";

class FitEncoder : public test::Fit {
 protected:
  /// A model whose classifier knows nothing: each concept is as likely everywhere.
  std::string blank_model() {
    FitOptions o = options("first");
    o.concepts = folder_.write("concepts.txt", "grass\nsea\nwall\n");
    o.architecture.concept_slots = 2;
    o.epochs = 1;
    const Status status = fit(o);
    EXPECT_TRUE(status) << status.error().message;
    auto model = load_model(o.output);
    EXPECT_TRUE(model);
    for (const char* name : {"decoder.concept.head.weight", "decoder.concept.head.bias"})
      model->tensors.at(name).zero_();
    const std::string blank = folder_.file("blank");
    const ModelToStore stored{
        "blank", model->folder.architecture, model->folder.search, {}, model->concepts};
    EXPECT_TRUE(store_model(blank, stored, model->vocabulary, model->tensors));
    return blank;
  }

  EncoderFitOptions encoder_options(const std::string& model, const std::string& name) const {
    EncoderFitOptions o;
    o.sources = {{folder_.path().string()}, {captions_}};
    o.splits.train = o.splits.dev = list_;
    o.splits.overlap = true;
    o.model = model;
    o.output = folder_.file(name);
    o.work = o.output + ".work";
    o.cache_block = kBlock;
    o.epochs = 6;
    o.batch_photos = 4;
    o.rate = 0.01;
    return o;
  }

  std::vector<std::string> encoder_arguments(const std::string& model,
                                             const std::string& name) const {
    return {"fit-encoder",
            model,
            "--photos",
            folder_.path().string(),
            "--captions",
            captions_,
            "--train",
            list_,
            "--dev",
            list_,
            "--allow-overlap",
            "--output",
            folder_.file(name),
            "--cache-block",
            kBlock,
            "--epochs",
            "6",
            "--batch-photos",
            "4",
            "--rate",
            "0.01",
            "--score-steps",
            "1",
            "--threads",
            "1"};
  }
};

TEST_F(FitEncoder, TailAndClassifierLearnAndTheRestStays) {
  const std::string blank = blank_model();
  const EncoderFitOptions o = encoder_options(blank, "seeing");
  const Status status = fit_encoder(o);
  ASSERT_TRUE(status) << status.error().message;
  const auto before = load_model(blank), after = load_model(o.output);
  ASSERT_TRUE(before && after);
  const Encoder encoder(before->folder.architecture.encoder, before->tensors, "encoder.");
  const TensorMap tail = encoder.after(kBlock).parameters("encoder.");
  ASSERT_FALSE(tail.empty());
  int moved = 0;
  for (const auto& [name, tensor] : before->tensors) {
    const bool same = at::equal(tensor, after->tensors.at(name));
    if (tail.contains(name)) {
      moved += same ? 0 : 1;
    } else if (!name.starts_with("decoder.concept.head.")) {
      EXPECT_TRUE(same) << name;
    }
  }
  EXPECT_GT(moved, 10);
  EXPECT_FALSE(at::equal(before->tensors.at("decoder.concept.head.weight"),
                         after->tensors.at("decoder.concept.head.weight")));
  EXPECT_EQ(after->vocabulary.words(), before->vocabulary.words());
  // As the last line says: its decoder learns the new features.
  FitOptions next = options("next");
  next.encoder.clear();
  next.start = o.output;
  next.architecture = after->folder.architecture;
  next.loss.teacher_share = 0;  // --no-teacher
  const Status learnt = fit(next);
  ASSERT_TRUE(learnt) << learnt.error().message;
  const auto whole = load_model(next.output);
  ASSERT_TRUE(whole);
  EXPECT_FALSE(at::equal(after->tensors.at("decoder.annotate.weight"),
                         whole->tensors.at("decoder.annotate.weight")));
}

TEST_F(FitEncoder, AFinishedRunIsNotWrittenAgainAndAPhotoShownNeverTeachesNothing) {
  EncoderFitOptions o = encoder_options(blank_model(), "seeing");
  ASSERT_TRUE(fit_encoder(o));
  const auto written = std::filesystem::last_write_time(o.output + "/model.yaml");
  ASSERT_TRUE(fit_encoder(o));
  EXPECT_EQ(std::filesystem::last_write_time(o.output + "/model.yaml"), written);

  std::string never;
  for (int i = 0; i < 4; ++i)
    for (const char* colour : {"red", "green", "blue"})
      never += colour + std::to_string(i) + ".bmp\t0\n";
  EncoderFitOptions none = encoder_options(o.model, "none");
  none.splits.train = folder_.write("never.txt", never);
  const Status refused = fit_encoder(none);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no photo to train on"));
}

TEST_F(FitEncoder, CtrlCKeepsWhatIsDoneAndResumesToTheSameBits) {
  const std::string blank = blank_model();
  const Ended whole = run_train(encoder_arguments(blank, "whole"));
  ASSERT_EQ(whole.outcome, 0) << whole.output;
  EXPECT_THAT(whole.output, HasSubstr("photoscribe-train fit --start " + folder_.file("whole")));
  const Ended stopped =
      run_train(encoder_arguments(blank, "parts"), {.at_line = "step 3:", .signal = SIGINT});
  ASSERT_EQ(stopped.outcome, 4) << stopped.output;
  EXPECT_THAT(stopped.output,
              AllOf(HasSubstr("the same command resumes there: "), HasSubstr("fit-encoder")));
  const Ended resumed = run_train(encoder_arguments(blank, "parts"));
  ASSERT_EQ(resumed.outcome, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("resuming at step "));
  for (const char* file : {".work/encoder.safetensors", "/weights.safetensors"}) {
    const auto a = load_tensors(folder_.file(std::string("whole") + file)),
               b = load_tensors(folder_.file(std::string("parts") + file));
    ASSERT_TRUE(a && b);
    ASSERT_EQ(a->size(), b->size());
    for (const auto& [name, tensor] : *a) EXPECT_TRUE(at::equal(tensor, b->at(name))) << name;
  }
  auto other = encoder_arguments(blank, "parts");
  other.insert(other.end(), {"--keep", "0.9"});
  const Ended refused = run_train(other);
  EXPECT_EQ(refused.outcome, 2);
  EXPECT_THAT(refused.output, HasSubstr("keep 0.3, here 0.9"));
}

TEST_F(FitEncoder, WhatCannotWorkIsRefusedWithACure) {
  const auto refusal = [](const EncoderFitOptions& o) {
    const Status status = fit_encoder(o);
    return status ? std::string("was taken") : status.error().message;
  };
  const FitOptions plain = options("plain");
  ASSERT_TRUE(fit(plain));
  EXPECT_THAT(refusal(encoder_options(plain.output, "a")), HasSubstr("fit --concepts makes one"));
  EncoderFitOptions strange = encoder_options(blank_model(), "b");
  strange.cache_block = "features.99";
  EXPECT_THAT(refusal(strange), HasSubstr("features.99"));
  EXPECT_THAT(refusal(strange), HasSubstr("--cache-block"));
  EncoderFitOptions few = encoder_options(strange.model, "d");
  few.splits.dev = folder_.write("few.txt", "red0.bmp\ngreen0.bmp\n");
  EXPECT_THAT(refusal(few), HasSubstr("name more photos with --dev"));
  // Nothing moves, so nothing is recognised better.
  EncoderFitOptions still = encoder_options(strange.model, "c");
  still.rate = 0;
  EXPECT_THAT(refusal(still), HasSubstr("Try a lower --rate"));
  EXPECT_FALSE(std::filesystem::exists(still.output));
}

TEST_F(FitEncoder, LabelsOfOneModelTeachAnother) {
  EncoderFitOptions o = encoder_options(blank_model(), "seeing");
  ASSERT_TRUE(fit_encoder(o));
  folder_.write("broken.bmp", "no photo");
  folder_.write("gr\xfcn.bmp", test::bmp(test::kSide, {20, 220, 30}));
  std::ofstream(captions_, std::ios::app)
      << "broken.bmp#0\tgreen grass .\ngr\xfcn.bmp#0\tgreen grass .\n";
  const LabelOptions wanted{.model = o.output,
                            .sources = o.sources,
                            .split = {},
                            .output = folder_.file("labels.jsonl"),
                            .bfloat16 = false};
  const Status status = label(wanted);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_FALSE(std::filesystem::exists(wanted.output + ".part"));
  const auto labels = read_concept_labels(wanted.output);
  ASSERT_TRUE(labels) << labels.error().message;
  EXPECT_EQ(labels->size(), 12U);
  EXPECT_FALSE(labels->contains("broken.bmp"));
  const auto probability = [&](const std::string& photo, const std::string& word) {
    for (const auto& [name, p] : labels->at(photo))
      if (name == word) return p;
    return -1.0F;
  };
  for (const auto& [photo, word] : {std::pair{"green1.bmp", "grass"}, std::pair{"blue2.bmp", "sea"},
                                    std::pair{"red3.bmp", "wall"}})
    for (const char* other : {"grass", "sea", "wall"})
      EXPECT_LE(probability(photo, other), probability(photo, word)) << photo;
  EncoderFitOptions pupil = encoder_options(o.model, "pupil");
  pupil.concept_labels = wanted.output;
  EXPECT_TRUE(fit_encoder(pupil));
  LabelOptions nowhere = wanted;
  nowhere.output = folder_.file("absent/labels.jsonl");
  const Status failed = label(nowhere);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::environment);
}

/// What fit and fit-encoder compute behind --cache-block.
TEST(EncoderProducts, PointwiseConvolutionsInBfloat16AreNearThoseInFloat32WithGradients) {
  at::manual_seed(1);
  const TensorMap random = random_encoder("mobilenet_v2");
  const Encoder tail = Encoder("mobilenet_v2", random).after(kBlock);
  const torch::Tensor input = at::randn({2, 96, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto run = [&](const Encoder::Product& product) {
    for (auto& [name, tensor] : tail.parameters()) {
      torch::Tensor parameter = tensor;
      parameter.set_requires_grad(true).mutable_grad() = torch::Tensor();
    }
    const torch::Tensor output = tail.forward(input, {}, product);
    output.square().mean().backward();
    return std::pair(output.detach(), tail.parameters().at("features.14.conv.0.0.weight").grad());
  };
  const auto exact = run({});
  use_bfloat16(false);
  const auto same = run(mixed_linear);
  use_bfloat16(true);
  const auto rounded = run(mixed_linear);
  use_bfloat16(false);
  const auto off = [](const torch::Tensor& a, const torch::Tensor& b) {
    return ((a - b).norm() / b.norm()).item<double>();
  };
  EXPECT_LT(off(same.first, exact.first), 1e-5);
  EXPECT_LT(off(same.second, exact.second), 1e-5);
  EXPECT_LT(off(rounded.first, exact.first), 0.03);
  EXPECT_LT(off(rounded.second, exact.second), 0.2);  // of many rounded products
  EXPECT_GT(off(rounded.first, exact.first), 0);
}

}  // namespace
}  // namespace photoscribe
