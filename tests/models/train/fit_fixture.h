// fit_fixture: a dozen generated photos of three colours, their captions, and a training small
// enough for a test.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "models/encoder/encoder.h"
#include "models/format/tensors.h"
#include "models/train/fit.h"
#include "tests/models/bmp.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::test {

inline constexpr int kSide = 32;

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
        folder_.write(name, bmp(kSide, rgb));
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
    o.sources = {{folder_.path().string()}, {captions_}};
    o.splits.train = o.splits.dev = list_;
    o.splits.overlap = true;
    o.encoder = folder_.file("encoder.safetensors");
    o.output = folder_.file(name);
    o.work = o.output + ".work";
    o.architecture.input_side_px = kSide;
    o.architecture.annotation_size = o.architecture.embedding_size = 24;
    o.architecture.hidden_size = 32;
    o.architecture.attention_size = 8;
    o.words.count_min = 1;
    o.batch_photos = 4;
    o.epochs = 2;
    o.warmup_steps = 2;
    o.rate = 0.01;
    o.loss.dropout = 0.2;
    o.checkpoint_steps = 2;
    o.search.tokens_max = 8;
    return o;
  }

  /// photoscribe-train's, for an equally small training, which holds out its own photos for
  /// evaluation.
  std::vector<std::string> arguments(const std::string& name,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{"fit",
                                 "--photos",
                                 folder_.path().string(),
                                 "--captions",
                                 captions_,
                                 "--encoder",
                                 folder_.file("encoder.safetensors"),
                                 "--output",
                                 folder_.file(name)};
    const std::vector<std::array<std::string, 2>> small{
        {"--side", "32"},        {"--annotation-size", "24"}, {"--embedding-size", "24"},
        {"--hidden-size", "32"}, {"--attention-size", "8"},   {"--words-count-min", "1"},
        {"--batch-photos", "4"}, {"--epochs", "2"},           {"--warmup-steps", "2"},
        {"--tokens-max", "8"},   {"--dropout", "0.2"},        {"--checkpoint-steps", "1"},
        {"--threads", "1"}};
    for (const auto& [option, value] : small)
      if (std::find(more.begin(), more.end(), option) == more.end())
        all.insert(all.end(), {option, value});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  TempDir folder_;
  std::string captions_, list_;
};

}  // namespace photoscribe::test
