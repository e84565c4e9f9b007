// Pictures of photos on web servers and in buckets, for the page and the report.
#include <gmock/gmock.h>

#include <atomic>
#include <sstream>

#include "tests/common/image/make_images.h"
#include "tests/support/http_server.h"
#include "worker/commands/thumbnail_command.h"

namespace photoscribe {
namespace {

using namespace std::chrono_literals;
using test::Answer;
using test::Asked;

class RemoteThumbnails : public ::testing::Test {
 protected:
  RemoteThumbnails() {
    const auto photo = testing::encode_jpeg(testing::sharp_picture(320, 200));
    photo_.assign(photo.begin(), photo.end());
    remote_.allow_private = true;
    remote_.retries = 0;
    remote_.connect_timeout_s = 2;
    remote_.photo_timeout_s = 3;
  }
  /// A picture's bytes of each; empty for none.
  std::vector<std::string> pictures(const std::vector<std::string>& urls) {
    std::string requests;
    for (const std::string& url : urls) requests += "64 " + url + std::string(1, '\0');
    std::istringstream in(requests);
    std::ostringstream out;
    EXPECT_EQ(run_thumbnail_server(DecodeLimits(), remote_, in, out), 0);
    std::istringstream answers(out.str());
    std::vector<std::string> all;
    for (std::string line; std::getline(answers, line);) {
      std::string bytes(std::stoul(line), '\0');
      answers.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      all.push_back(std::move(bytes));
    }
    EXPECT_EQ(all.size(), urls.size());
    return all;
  }

  RemoteSettings remote_;
  std::string photo_;
  std::atomic<bool> down_{false};
  test::HttpServer server_{[this](const Asked& asked) -> Answer {
    if (down_) return {503, "overloaded"};
    if (asked.target == "/a%20b.jpg?w=800" || asked.target == "/c.jpg") return {200, photo_};
    if (asked.target == "/cut.jpg") return {200, photo_, {}, {}, true, 100};
    return {404};
  }};
};

TEST_F(RemoteThumbnails, Issue16PhotosOfServersHavePictures) {
  const auto made = pictures({server_.url("/a%20b.jpg?w=800"), server_.url("/none.jpg"),
                              server_.url("/cut.jpg"), server_.url("/c.jpg")});
  EXPECT_EQ(made.at(0).substr(0, 2), "\xff\xd8");
  EXPECT_EQ(made.at(1), "");
  EXPECT_EQ(made.at(2), "");
  EXPECT_EQ(made.at(3).substr(0, 2), "\xff\xd8");
}

TEST_F(RemoteThumbnails, KeepToTheRulesOfRuns) {
  remote_.allow_private = false;
  EXPECT_EQ(pictures({server_.url("/c.jpg")}), std::vector<std::string>{""});
  EXPECT_EQ(server_.requests(), 0) << "a loopback address is not asked";
  remote_.allow_private = true;
  EXPECT_EQ(pictures({"http://user:secret@127.0.0.1/c.jpg", "ftp://127.0.0.1/c.jpg"}),
            (std::vector<std::string>{"", ""}));
}

TEST_F(RemoteThumbnails, AServerThatIsDownIsNotAskedForEachPhoto) {
  down_ = true;
  const std::vector<std::string> all(40, server_.url("/c.jpg"));
  EXPECT_EQ(pictures(all), std::vector<std::string>(40, ""));
  EXPECT_LE(server_.requests(), 4);
}

}  // namespace
}  // namespace photoscribe
