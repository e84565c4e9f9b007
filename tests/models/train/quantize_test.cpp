// The verb quantize: a model with and without its file of scales.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "models/captioner.h"
#include "models/format/model_store.h"
#include "models/open_model.h"
#include "tests/models/bmp.h"
#include "tests/models/train/train_process.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Quantize : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(photos_ + "/below");
    for (int i = 0; i < 6; ++i) {
      const auto level = static_cast<unsigned char>(40 * i);
      const std::string name = "/" + std::string(i % 2 == 0 ? "below/" : "") + std::to_string(i);
      std::ofstream(photos_ + name + ".bmp") << test::bmp(64, {level, 200, 90});
    }
    std::ofstream(photos_ + "/notes.txt") << "not a photo";
  }

  /// A small model of random weights with this encoder, in a folder.
  std::string model(const std::string& name, const std::string& encoder = "mobilenet_v2") const {
    ModelArchitecture a;
    a.encoder = encoder;
    a.input_side_px = 64;
    a.annotation_size = a.embedding_size = a.hidden_size = 32;
    a.attention_size = 16;
    std::vector<std::string> words;
    for (int i = 0; i < 300; ++i) words.push_back("word" + std::to_string(i));
    const StoredModel made = random_model(a, *Vocabulary::make(words), 4);
    const std::string folder = folder_.file(name);
    EXPECT_TRUE(store_model(folder, {name, a, {}, "", {}}, made.vocabulary, made.tensors));
    return folder;
  }

  [[nodiscard]] test::Ended quantize(const std::string& model,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"quantize", model, "--photos", photos_, "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return test::run_train(words);
  }

  static std::string scales(const std::string& model) {
    std::ifstream file(model + "/" + kInt8File, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// The error of opening a captioner of it in that precision, or the precision that it chose.
  static std::string opened(const std::string& model, Precision precision) {
    CaptionerConfig config{.model_folder = model, .search = {}};
    config.precision = precision;
    const auto captioner = open_captioner(config);
    return captioner ? std::string((*captioner)->precision()) : captioner.error().message;
  }

  test::TempDir folder_;
  const std::string photos_ = folder_.file("photos");
};

TEST_F(Quantize, WritesTheSameScalesEveryTimeAndLeavesTheModelsHash) {
  const std::string folder = model("m");
  const std::string hash = read_model_folder(folder)->hash;
  const test::Ended first = quantize(folder);
  ASSERT_EQ(first.outcome, 0) << first.output;
  EXPECT_THAT(first.output, HasSubstr("scales of 52 layers from 6 photos"));
  const std::string once = scales(folder);
  ASSERT_EQ(quantize(folder).outcome, 0);
  EXPECT_EQ(scales(folder), once);
  EXPECT_EQ(read_model_folder(folder)->hash, hash);
  if (has_int8()) {
    EXPECT_EQ(opened(folder, Precision::int8), "int8");
  }
}

TEST_F(Quantize, TakesAListOfPhotosAndACount) {
  const std::string folder = model("m"), list = folder_.file("train.txt");
  std::ofstream(list) << "1.bmp\t2\nbelow/2.bmp\n3.bmp\n";
  test::Ended ended = quantize(folder, {"--list", list, "--count", "2"});
  EXPECT_EQ(ended.outcome, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("from 2 photos"));
  std::ofstream(list) << "1.bmp\ngone.bmp\n";
  ended = quantize(folder, {"--list", list});
  EXPECT_NE(ended.outcome, 0);
  EXPECT_THAT(ended.output, HasSubstr("train.txt:2: no photo 'gone.bmp'"));
}

TEST_F(Quantize, SaysWhatIsWrongWithPhotosAndModels) {
  const test::Ended silu = quantize(model("e", "efficientnet_b0"));
  EXPECT_NE(silu.outcome, 0);
  EXPECT_THAT(silu.output, HasSubstr("find their scales as photos come"));
  EXPECT_EQ(scales(folder_.file("e")), "");
  const std::string folder = model("m"), empty = folder_.file("empty");
  fs::create_directories(empty);
  const test::Ended none =
      test::run_train({"quantize", folder, "--photos", empty, "--threads", "1"});
  EXPECT_NE(none.outcome, 0);
  EXPECT_THAT(none.output, HasSubstr("none of the photos decodes"));
}

TEST_F(Quantize, ADamagedFileStopsInt8AndNothingElse) {
  const std::string folder = model("m");
  ASSERT_EQ(quantize(folder).outcome, 0);
  std::string bytes = scales(folder);
  bytes[bytes.size() - 2] ^= 1;
  std::ofstream(folder + "/" + kInt8File, std::ios::binary | std::ios::trunc) << bytes;
  EXPECT_EQ(opened(folder, Precision::float32), "float32");
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  EXPECT_THAT(opened(folder, Precision::int8),
              AllOf(HasSubstr("damaged"), HasSubstr("photoscribe-train quantize " + folder)));
  EXPECT_THAT(opened(folder, Precision::automatic), testing::AnyOf("float32", "bfloat16"));
}

TEST_F(Quantize, AModelThatIsStoredAgainLosesItsScalesAndAnEnsembleKeepsThem) {
  const std::string folder = model("m");
  ASSERT_EQ(quantize(folder).outcome, 0);
  const auto member = load_model(folder);
  ASSERT_TRUE(member) << member.error().message;
  std::vector<StoredModel> members;
  members.push_back(*member);
  members.push_back(*member);
  const std::string ensemble = folder_.file("both");
  ASSERT_TRUE(store_ensemble(ensemble, "both", members));
  EXPECT_EQ(scales(ensemble + "/member2"), scales(folder));
  if (has_int8()) {
    EXPECT_EQ(opened(ensemble, Precision::int8), "int8");
  }
  static_cast<void>(model("m"));
  EXPECT_EQ(scales(folder), "");
}

}  // namespace
}  // namespace photoscribe
