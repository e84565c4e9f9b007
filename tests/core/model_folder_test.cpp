// The part of a model's folder that needs no LibTorch.
#include "common/core/model_folder.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;
using testing::Not;

class ModelFolderFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("model.yaml", "# made by hand\nname: small\n" +
                                    to_yaml(ModelArchitecture(), SearchSettings()) +
                                    "training:\n  note: 'keeps its text'\n");
    folder_.write("vocab.txt", "a\nb\n");
    folder_.write("weights.safetensors", "bytes");
  }
  [[nodiscard]] std::string yaml() const {
    std::ifstream in(folder_.file("model.yaml"));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  test::TempDir folder_;
};

TEST_F(ModelFolderFile, TakesAConfidenceAndKeepsTheRestAndTheHash) {
  const std::string folder = folder_.path().string();
  const auto before = read_model_folder(folder);
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->confidence, std::nullopt);

  for (const double bias : {1.25, -3.5}) {
    const ConfidenceModel fitted{bias, {0.5, -0.0625, 2}};
    ASSERT_TRUE(write_confidence(folder, fitted));
    const auto after = read_model_folder(folder);
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(after->confidence, fitted);
    EXPECT_EQ(after->hash, before->hash);
  }

  EXPECT_THAT(yaml(), HasSubstr("# made by hand\n"));
  EXPECT_THAT(yaml(), HasSubstr("  note: 'keeps its text'\n"));
  EXPECT_THAT(yaml(), Not(HasSubstr("bias: 1.25")));
}

TEST_F(ModelFolderFile, NamesAnUnknownTermOfTheConfidence) {
  folder_.write("model.yaml", yaml() + "confidence:\n  bias: 1\n  mood: 2\n");

  const auto refused = read_model_folder(folder_.path().string());

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("confidence.mood"));
}

TEST_F(ModelFolderFile, SaysWhyAConfidenceCannotBeWritten) {
  const auto refused = write_confidence(folder_.file("nowhere"), ConfidenceModel());

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::environment);
}

}  // namespace
}  // namespace photoscribe
