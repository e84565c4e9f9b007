// photoscribe calibrate with a worker that makes up scores from names; tests/worker measures with
// the real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/ops/cli/program.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class CalibrateVerb : public testing::Test {
 protected:
  CalibrateVerb() {
    // blur --json FILE…: "edges" is 500 for clear_*.jpg and 10 for others, the rest is the same for
    // all; bad_*.jpg cannot be measured. thumbnails --output DIR FILE…: the first one only.
    worker_ = folder_.write(
        "worker",
        "#!/bin/sh\n"
        "verb=$1; shift; options=\n"
        "while true; do\n"
        "  case $1 in\n"
        "    --json) shift ;;\n"
        "    --output) output=$2; shift 2 ;;\n"
        "    --*) options=\"$options $1 $2\"; shift 2 ;;\n"
        "    *) break ;;\n"
        "  esac\n"
        "done\n"
        "echo \"$verb$options\" >> \"$(dirname \"$0\")/arguments\"\n"
        "if [ \"$verb\" = thumbnails ]; then printf jpeg > \"$output/0.jpg\"; exit 0; fi\n"
        "for file; do\n"
        "  case $file in\n"
        "    */clear_*) edges=500 ;;\n"
        "    *) edges=10 ;;\n"
        "  esac\n"
        "  case $file in\n"
        "    */bad_*) echo '{\"reason\":\"truncated\"}' ;;\n"
        "    *) echo '{\"scores\":{\"full\":1,\"normalised\":2,\"tile_max\":3,"
        "\"edges\":'$edges',\"learned\":4}}' ;;\n"
        "  esac\n"
        "done\n");
    std::filesystem::permissions(worker_, std::filesystem::perms::owner_all);
  }
  ChildOutput calibrate(const std::string& labels, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"calibrate", folder_.write("labels.csv", labels), "--photos",
                                   folder_.path().string()};
    words.insert(words.end(), more.begin(), more.end());
    return photoscribe(words, {"PHOTOSCRIBE_WORKER_EXECUTABLE=" + worker_});
  }
  test::TempDir folder_;
  std::string worker_;
};

constexpr const char* kLabels =
    "file,label,peer\nclear_1.jpg,clear,5\nclear_2.jpg,clear,1\nsoft_1.jpg,blurred,2\n"
    "soft_2.jpg,blurred,3\nclear_3.jpg,blurred,4\nbad_1.jpg,blurred,0\n";

TEST_F(CalibrateVerb, ObeysTheLimitsOfTheConfiguration) {
  const std::string config = folder_.write("cap.yaml", "limits:\n  pixels_max: 1000\n");

  ASSERT_EQ(calibrate(kLabels, {"--config", config}).exit_status, 0);

  std::ifstream arguments(folder_.file("arguments"));
  std::string line;
  std::getline(arguments, line);
  EXPECT_EQ(line, "blur --pixels-max 1000 --file-bytes-max 1073741824");
}

TEST_F(CalibrateVerb, PrintsTheBestModeAndItsConfiguration) {
  const ChildOutput out = calibrate(kLabels, {"--compare", "peer"});

  ASSERT_EQ(out.exit_status, 0) << out.err;
  EXPECT_THAT(out.out,
              AllOf(HasSubstr("5 photos: 3 blurred, 2 clear"), HasSubstr("peer"),
                    HasSubstr("1 photo could not be measured, such as bad_1.jpg: truncated"),
                    HasSubstr("  mode: edges\n  blur_threshold: 255\n")));
}

TEST_F(CalibrateVerb, WritesJsonAndAPageWithTheErrors) {
  const std::string page = folder_.file("page.html");
  const ChildOutput out = calibrate(kLabels, {"--json", "--html", page, "--false-reject", "0.5"});

  ASSERT_EQ(out.exit_status, 0) << out.err;
  const auto json = nlohmann::json::parse(out.out);
  EXPECT_EQ(json["scores"].size(), 5U);
  EXPECT_NEAR(json["scores"][0]["area"].get<double>(), 5.0 / 6,
              1e-12);  // two pairs of six are tied
  std::ifstream in(page);
  const std::string html{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(html, AllOf(HasSubstr("clear_3.jpg"), HasSubstr("data:image/jpeg;base64,anBlZw=="),
                          HasSubstr("default-src 'none'")));
}

TEST_F(CalibrateVerb, SaysWhatIsWrong) {
  EXPECT_EQ(calibrate("file,label\na.jpg,maybe\n").exit_status, 2);
  const ChildOutput one_kind = calibrate("file,label\nbad_1.jpg,blurred\nclear_1.jpg,clear\n");
  EXPECT_EQ(one_kind.exit_status, 2);
  EXPECT_THAT(one_kind.err, AllOf(HasSubstr("both kinds are needed"), HasSubstr("bad_1.jpg")));
  EXPECT_EQ(photoscribe({"calibrate"}).exit_status, 2);
}

}  // namespace
}  // namespace photoscribe::cli
