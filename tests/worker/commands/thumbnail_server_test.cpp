// `photoscribe-worker thumbnails --stdin`: one picture after the other, whatever the photos are.
#include <gmock/gmock.h>

#include <sstream>

#include "tests/common/image/make_images.h"
#include "tests/support/temp_dir.h"
#include "worker/commands/thumbnail_command.h"

namespace photoscribe {
namespace {

using namespace photoscribe::testing;

TEST(ThumbnailServer, AnswersOneRequestAfterTheOther) {
  const test::TempDir folder;
  const Bytes photo = encode_jpeg(sharp_picture(320, 200));
  const std::string file =
      folder.write("with\nnewline.jpg", std::string(photo.begin(), photo.end()));
  std::string requests = "64 " + file;
  requests += '\0';
  requests += "64 /nowhere.jpg";
  requests += '\0';
  requests += "128 " + file;
  requests += '\0';
  std::istringstream in(requests);
  std::ostringstream out;

  EXPECT_EQ(run_thumbnail_server(DecodeLimits(), {}, in, out), 0);

  std::istringstream answers(out.str());
  std::vector<std::string> pictures;
  for (std::string line; std::getline(answers, line);) {
    std::string bytes(std::stoul(line), '\0');
    answers.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    pictures.push_back(std::move(bytes));
  }
  ASSERT_EQ(pictures.size(), 3U);
  EXPECT_EQ(pictures[0].substr(0, 2), "\xff\xd8");
  EXPECT_EQ(pictures[1], "");
  EXPECT_GT(pictures[2].size(), pictures[0].size());
}

TEST(ThumbnailServer, EndsAtWhatIsNoRequest) {
  for (const char* wrong : {"", "64", "64/a", "x /a", "1 /a", "99999 /a"}) {
    std::istringstream in(std::string(wrong) + '\0');
    std::ostringstream out;
    EXPECT_EQ(run_thumbnail_server(DecodeLimits(), {}, in, out), 2) << wrong;
    EXPECT_EQ(out.str(), "");
  }
}

}  // namespace
}  // namespace photoscribe
