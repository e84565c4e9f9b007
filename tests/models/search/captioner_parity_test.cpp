// Captioners that others trained, imported: their output against PyTorch's for the same checkpoints
// (make_captioners.py wrote both).
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "models/captioner.h"
#include "models/search/caption_network.h"
#include "models/train/import/import_captioner.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

const std::string kFolder = std::string(PHOTOSCRIBE_SOURCE_DIR) + "/tests/models/captioners/";
constexpr int kSide = 96;
constexpr double kNear = 1e-4;

struct Case {
  std::string name, kind, checkpoint, words, encoder, decoder;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

Case ruotianluo(const std::string& name, const std::string& decoder) {
  const std::string own = "ruotianluo_" + name;
  return {own, "ruotianluo", own + ".pth", own + "_infos.pkl", "ruotianluo_resnet50.pth", decoder};
}

std::vector<Case> cases() {
  return {{"sgrvinod", "sgrvinod", "sgrvinod.pth.tar", "sgrvinod_WORDMAP.json", "",
           "gated_attend_tell"},
          ruotianluo("fc", "maxout_show_tell"),
          ruotianluo("newfc", "maxout_show_tell"),
          ruotianluo("show_tell", "plain_show_tell"),
          ruotianluo("att2in2", "attend_in"),
          ruotianluo("att2in2_norms", "attend_in"),
          ruotianluo("show_attend_tell", "plain_attend_tell"),
          {"yunjey", "yunjey", "yunjey_decoder.ckpt", "yunjey_vocab.pkl", "yunjey_encoder.ckpt",
           "plain_show_tell"}};
}

CaptionerFiles read(const Case& one) {
  CaptionerFiles files;
  auto checkpoint = read_state_dict(kFolder + one.checkpoint);
  EXPECT_TRUE(checkpoint) << checkpoint.error().message;
  files.checkpoint = std::move(*checkpoint);
  if (!one.encoder.empty()) {
    auto encoder = read_state_dict(kFolder + one.encoder);
    EXPECT_TRUE(encoder) << encoder.error().message;
    files.encoder = std::move(*encoder);
  }
  auto words = read_word_list(kFolder + one.words);
  EXPECT_TRUE(words) << words.error().message;
  files.words = std::move(*words);
  return files;
}

/// The photos of make_captioners.py.
DecodedImage photo(int n) {
  DecodedImage image;
  image.width_px = image.height_px = kSide;
  image.channels = 3;
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixels.push_back(
            static_cast<std::uint8_t>((x * (3 + n) + y * 5 + c * 29 + (x * y) / 7 + n * 53) % 256));
  return image;
}

torch::Tensor normalised(const ModelArchitecture& a) {
  std::vector<torch::Tensor> images;
  for (int n = 0; n < 2; ++n) {
    const DecodedImage image = photo(n);
    torch::Tensor bytes = at::empty({kSide, kSide, 3}, torch::kFloat32);
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      bytes.data_ptr<float>()[i] = image.pixels[i];
    images.push_back(
        (bytes / 255 - at::tensor({a.mean[0], a.mean[1], a.mean[2]}).to(torch::kFloat32)) /
        at::tensor({a.std[0], a.std[1], a.std[2]}).to(torch::kFloat32));
  }
  return at::stack(images).contiguous();
}

/// PyTorch's output, with words by our numbers.
class Golden {
 public:
  Golden(const std::string& name, const WordRows& words) : words_(words) {
    std::ifstream file(kFolder + name + ".json");
    file >> json_;
    for (std::size_t i = words.row.size(); i-- > 1;)
      if (words.row[i] >= 0) ours_[words.row[i]] = static_cast<std::int64_t>(i);
    ours_[json_["start"].get<std::int64_t>()] = kStartToken;
  }
  [[nodiscard]] torch::Tensor features() const { return floats(json_["features"]); }
  /// (T,2): the input words of both captions at each step.
  [[nodiscard]] torch::Tensor forced() const {
    std::vector<std::int64_t> inputs;
    const std::size_t steps = json_["forced"][0].size();
    for (std::size_t t = 0; t < steps; ++t)
      for (std::size_t n = 0; n < 2; ++n)
        inputs.push_back(ours_.at(json_["forced"][n][t].get<std::int64_t>()));
    return at::tensor(inputs).view({static_cast<std::int64_t>(steps), 2});
  }
  /// (T,2,V'): of the end and the words that can be predicted, by our numbers from 2 on, including
  /// the unknown word's.
  [[nodiscard]] torch::Tensor logits() const {
    std::vector<torch::Tensor> steps;
    for (const auto& step : json_["logits"])
      steps.push_back(at::stack({floats(step[0]), floats(step[1])}));
    const std::vector<std::int64_t> rows(words_.row.begin() + 2, words_.row.end());
    return at::stack(steps).index_select(2, at::tensor(rows));
  }
  [[nodiscard]] std::vector<std::int64_t> caption(std::size_t n) const {
    std::vector<std::int64_t> tokens;
    for (const auto& word : json_["captions"][n][0])
      tokens.push_back(ours_.at(word.get<std::int64_t>()));
    return tokens;
  }
  [[nodiscard]] double log_prob(std::size_t n) const {
    return json_["captions"][n][1].get<double>();
  }

 private:
  static torch::Tensor floats(const nlohmann::json& numbers) {
    return at::tensor(numbers.get<std::vector<double>>()).to(torch::kFloat32);
  }
  const WordRows& words_;
  nlohmann::json json_;
  std::map<std::int64_t, std::int64_t> ours_;
};

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

class CaptionerParity : public testing::TestWithParam<Case> {};

TEST_P(CaptionerParity, LogitsAndBeamsAreThoseOfPyTorch) {
  const torch::NoGradGuard no_grad;
  const CaptionerFiles files = read(GetParam());
  const auto made = import_captioner(captioner_kind(GetParam().kind), files, {"", kSide, 0, 1e-5});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->architecture.decoder, GetParam().decoder);
  const auto words =
      arrange_words(files.words, static_cast<std::int64_t>(files.words.words.size()));
  ASSERT_TRUE(words) << words.error().message;
  const Golden golden(GetParam().name, *words);

  // Through the model's folder, as in use.
  const test::TempDir folder;
  ModelToStore store;
  store.name = GetParam().name;
  store.architecture = made->architecture;
  store.search = made->search;
  store.search.beam = 3;
  store.search.tokens_max = 12;
  store.exact = true;
  const std::string path = folder.file("model");
  ASSERT_TRUE(store_model(path, store, made->vocabulary, made->tensors));
  const auto model = load_model(path);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->folder.architecture, made->architecture);

  const CaptionNetwork network({&*model}, torch::kCPU, torch::kFloat32);
  const torch::Tensor features = network.encode(normalised(model->folder.architecture));
  const torch::Tensor sample =
      at::cat({features.mean().view({1}), features[1].t().slice(0, 0, 3).flatten()});
  const double scale = std::max(1.0, golden.features().abs().max().item<double>());
  EXPECT_LT(largest_difference(sample, golden.features()), kNear * scale);

  const DecoderParameters p =
      take_decoder(model->tensors, model->folder.architecture, model->vocabulary.size());
  const auto steps = make_step_network(p);
  const Annotations plain = annotate(p, features), fast = steps->annotate_photos(features);
  torch::Tensor h = plain.h, c = plain.c, fast_h = fast.h, fast_c = fast.c;
  const torch::Tensor forced = golden.forced(), expected = golden.logits();
  double off = 0, fast_off = 0;
  for (std::int64_t t = 0; t < forced.size(0); ++t) {
    torch::Tensor logits = reference_step(p, plain, forced[t], h, c);
    off = std::max(off, largest_difference(logits.slice(1, 2), expected[t]));
    const torch::Tensor log_p = steps->step(fast, forced[t], fast_h, fast_c);
    for (const std::int64_t special : {kPadToken, kStartToken, kUnknownToken})
      logits.select(1, special).fill_(-INFINITY);
    const torch::Tensor difference =
        (at::log_softmax(logits, 1) - log_p).nan_to_num(0, 0, 0).abs().max();
    fast_off = std::max(fast_off, difference.item<double>());
  }
  std::printf("largest difference of a logit %.3g, of a log-probability %.3g\n", off, fast_off);
  EXPECT_LT(off, kNear * std::max(1.0, expected.abs().max().item<double>()));
  EXPECT_LT(fast_off, kNear);

  const auto captions = network.decode(features, model->folder.search);
  for (std::size_t n = 0; n < 2; ++n) {
    EXPECT_EQ(captions[n].tokens, golden.caption(n));
    EXPECT_NEAR(captions[n].log_prob, golden.log_prob(n), kNear);
  }
  const auto captioner = open_captioner({path, "cpu", 1, model->folder.search});
  ASSERT_TRUE(captioner) << captioner.error().message;
  const DecodedImage first = photo(0), second = photo(1);
  const std::vector<const DecodedImage*> batch{&first, &second};
  const auto from_folder = (*captioner)->caption(batch);
  ASSERT_TRUE(from_folder) << from_folder.error().message;
  for (std::size_t n = 0; n < 2; ++n)
    EXPECT_EQ((*from_folder)[n].text, model->vocabulary.text(golden.caption(n)));
}

INSTANTIATE_TEST_SUITE_P(Families, CaptionerParity, testing::ValuesIn(cases()),
                         [](const auto& tested) { return tested.param.name; });

TEST(ImportedForms, WholeModulesOldAndNewAndStateDictsGiveTheSame) {
  const Case whole = cases().front();
  std::vector<TensorMap> all;
  for (const char* file : {"sgrvinod.pth.tar", "sgrvinod_old.pth.tar", "sgrvinod_states.pth.tar"}) {
    Case one = whole;
    one.checkpoint = file;
    const auto made = import_captioner(CaptionerKind::sgrvinod, read(one), {"", kSide, 0, 1e-5});
    ASSERT_TRUE(made) << file << ": " << made.error().message;
    EXPECT_EQ(made->architecture.grid_side, 14) << file;
    EXPECT_TRUE(made->left_over.empty()) << made->left_over.front();
    all.push_back(made->tensors);
  }
  for (const auto& [name, tensor] : all[0])
    for (std::size_t i = 1; i < all.size(); ++i)
      EXPECT_TRUE(at::equal(tensor, all[i].at(name))) << name;
}

}  // namespace
}  // namespace photoscribe
