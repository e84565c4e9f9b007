// photoscribe-train import --kind, as a command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <tuple>

#include "models/format/model_store.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

const std::string kFolder = std::string(PHOTOSCRIBE_SOURCE_DIR) + "/tests/models/captioners/";

/// Status and output of photoscribe-train with these arguments.
std::pair<int, std::string> run(const test::TempDir& folder, const std::string& arguments) {
  const std::string output = folder.file("output");
  const int status = std::system((std::string(PHOTOSCRIBE_BIN_DIR) + "/photoscribe-train " +
                                  arguments + " > " + output + " 2>&1")
                                     .c_str());
  std::ifstream file(output);
  return {WEXITSTATUS(status), std::string(std::istreambuf_iterator<char>(file), {})};
}

TEST(ImportVerb, WritesAWholeModelFolder) {
  const test::TempDir folder;
  const std::string model = folder.file("model");
  const auto [status, output] =
      run(folder, "import " + kFolder + "sgrvinod_old.pth.tar --kind sgrvinod --words " + kFolder +
                      "sgrvinod_WORDMAP.json --side 96 --half --output " + model);
  EXPECT_EQ(status, 0) << output;
  EXPECT_THAT(output, HasSubstr("nothing was left over"));
  EXPECT_THAT(output, HasSubstr("photoscribe run PHOTOS --model " + model));
  const auto loaded = load_model(model);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->folder.architecture.grid_side, 14);
  std::ifstream card(model + "/MODEL_CARD.md");
  const std::string text(std::istreambuf_iterator<char>(card), {});
  EXPECT_THAT(text, HasSubstr("sgrvinod/a-PyTorch-Tutorial-to-Image-Captioning"));
  EXPECT_THAT(text, HasSubstr("SHA-256"));
}

TEST(ImportVerb, SaysWhichOptionIsMissing) {
  const test::TempDir folder;
  const std::string checkpoint = "import " + kFolder + "sgrvinod.pth.tar --output x ";
  auto [status, output] = run(folder, checkpoint + "--kind sgrvinod");
  EXPECT_NE(status, 0);
  EXPECT_THAT(output, HasSubstr("--words"));
  std::tie(status, output) = run(folder, checkpoint);
  EXPECT_NE(status, 0);
  EXPECT_THAT(output, HasSubstr("--kind"));
}

}  // namespace
}  // namespace photoscribe
