#include "ops/cli/config/locate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace photoscribe::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

Config with_model(const std::string& model) {
  Config config;
  config.model = model;
  return config;
}

TEST(FindModelFolder, FastIsABundledModelAndTheDefault) {
  const auto fast = find_model_folder(with_model("fast"));
  ASSERT_TRUE(fast) << fast.error().message;
  EXPECT_THAT(*fast, EndsWith("/models/fast"));
  EXPECT_EQ(find_model_folder(with_model("")).value_or(""), *fast);
}

TEST(FindModelFolder, AnythingElseIsAFolder) {
  const test::TempDir folder;
  folder.write("model.yaml", "name: mine\n");
  EXPECT_EQ(find_model_folder(with_model(folder.path().string())).value_or(""),
            folder.path().string());
  const auto none = find_model_folder(with_model("./fast"));
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("no model here"));
}

}  // namespace
}  // namespace photoscribe::cli
