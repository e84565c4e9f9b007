// Training on small made photos: it learns, it goes on after a stop as if there had been none, and
// the second stage moves every layer of the encoder.
#include "models/train/fit.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "models/encoder.h"
#include "models/model_store.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

constexpr int kSide = 32;

/// A 24-bit BMP of one colour with a lighter left half.
std::string bmp(std::array<unsigned char, 3> rgb) {
  const int row = kSide * 3, size = 54 + row * kSide;
  std::string bytes(static_cast<std::size_t>(size), '\0');
  const auto put = [&](std::size_t at, int value) {
    for (std::size_t i = 0; i < 4; ++i)
      bytes[at + i] = static_cast<char>((static_cast<unsigned>(value) >> (8 * i)) & 0xFF);
  };
  bytes[0] = 'B', bytes[1] = 'M';
  put(2, size), put(10, 54), put(14, 40), put(18, kSide), put(22, kSide);
  bytes[26] = 1, bytes[28] = 24;
  put(34, row * kSide);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int value = rgb[static_cast<std::size_t>(2 - c)] / (x < kSide / 2 ? 1 : 2);
        bytes[static_cast<std::size_t>(54 + y * row + x * 3 + c)] = static_cast<char>(value);
      }
    }
  }
  return bytes;
}

class Fit : public testing::Test {
 protected:
  Fit() {
    struct Kind {
      const char* name;
      std::array<unsigned char, 3> rgb;
      const char* caption;
    };
    const std::array<Kind, 3> kinds{{{"red", {230, 20, 20}, "a red wall in the sun ."},
                                     {"green", {20, 220, 30}, "green grass ."},
                                     {"blue", {10, 30, 240}, "the blue sea is calm today ."}}};
    std::string captions, list;
    for (int i = 0; i < 4; ++i) {
      for (const Kind& kind : kinds) {
        const std::string name = kind.name + std::to_string(i) + ".bmp";
        auto rgb = kind.rgb;
        rgb[0] = static_cast<unsigned char>(rgb[0] + i);
        folder_.write(name, bmp(rgb));
        captions += name + "#0\t" + kind.caption + "\n" + name + "#1\t" + kind.caption + "\n";
        list += name + "\n";
      }
    }
    captions_ = folder_.write("captions.txt", captions);
    list_ = folder_.write("list.txt", list);
    at::manual_seed(2);
    EXPECT_TRUE(save_tensors(folder_.file("encoder.safetensors"), random_encoder("mobilenet_v2")));
  }

  FitOptions options(const std::string& name) const {
    FitOptions o;
    o.photos = folder_.path().string();
    o.captions = captions_;
    o.train = o.dev = list_;
    o.encoder = folder_.file("encoder.safetensors");
    o.output = folder_.file(name);
    o.work = o.output + ".work";
    o.architecture.input_side_px = kSide;
    o.architecture.annotation_size = o.architecture.embedding_size = 24;
    o.architecture.hidden_size = 32;
    o.architecture.attention_size = 8;
    o.words_count_min = 1;
    o.batch_photos = 4;
    o.epochs = 2;
    o.warmup_steps = 2;
    o.rate = 0.01;
    o.loss.dropout = 0.2;
    o.checkpoint_steps = 2;
    o.search.tokens_max = 8;
    return o;
  }

  test::TempDir folder_;
  std::string captions_, list_;
};

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
  EXPECT_EQ(line, "stage,epoch,step,rate,loss,bleu1,bleu2,bleu3,bleu4,seconds");
  while (std::getline(curve, line)) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 6; ++i) std::getline(fields, field, ',');
    best = std::max(best, std::stod(field));
  }
  EXPECT_GT(best, 0.95);  // BLEU-1 over the photos that it learned from
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

TEST_F(Fit, TheSecondStageMovesEveryLayer) {
  FitOptions o = options("moved");
  o.finetune_steps = 3;
  o.finetune_rate = 1e-3;
  o.finetune_photos = 3;
  const Status status = fit(o);
  ASSERT_TRUE(status) << status.error().message;
  const auto model = load_model(o.output);
  ASSERT_TRUE(model) << model.error().message;
  const auto came = load_tensors(o.encoder);
  ASSERT_TRUE(came);
  for (const auto& [name, tensor] : *came) {
    EXPECT_FALSE(at::equal(model->tensors.at("encoder." + name),
                           tensor.to(torch::kFloat16).to(torch::kFloat32)))
        << name;
  }
}

TEST_F(Fit, RefusesACheckpointOfOtherSettings) {
  FitOptions o = options("model");
  o.steps_max = 1;
  ASSERT_TRUE(fit(o));
  o.seed = 2;
  const Status status = fit(o);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("other settings"));
}

TEST_F(Fit, NamesTheLineOfAListThatHasNoCaption) {
  FitOptions o = options("model");
  o.dev = folder_.write("dev.txt", "red0.bmp\nnobody.jpg\n");
  const Status status = fit(o);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("line 2"));
  EXPECT_THAT(status.error().message, HasSubstr("nobody.jpg"));
}

}  // namespace
}  // namespace photoscribe
