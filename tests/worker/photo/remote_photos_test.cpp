// Photos of a web server: which failures are the photo's, and which are the server's.
#include "worker/photo/remote_photos.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "tests/support/host_names.h"
#include "tests/support/http_server.h"
#include "tests/support/s3_server.h"
#include "worker/health/root_keeper.h"

namespace photoscribe {
namespace {

using namespace std::chrono_literals;
using test::Answer;
using test::Asked;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RemotePhotosTest : public ::testing::Test {
 protected:
  RemotePhotosTest() {
    settings.allow_private = true;
    settings.retries = 1;
    settings.connect_timeout_s = 2;
    settings.stall_timeout_s = 1;
    settings.photo_timeout_s = 8;
  }
  void open(const std::string& folder, RemotePhotos::Clock::duration patience = 0s) {
    auto opened = RemotePhotos::open(folder, std::make_shared<HttpClient>(settings), patience);
    ASSERT_TRUE(opened) << opened.error().message;
    photos = std::move(*opened);
  }
  /// The bytes, the reason, or "fault: …".
  std::string read(const std::string& path) const {
    std::vector<std::uint8_t> bytes;
    const auto size = photos->read(path, 1'000'000, bytes);
    if (size) return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(*size)};
    const OpenFailure& failure = size.error();
    return failure.environment ? "fault: " + failure.detail
                               : std::string(to_string(failure.reason));
  }
  RemoteSettings settings;
  std::atomic<bool> down{false}, is_slow{false};
  /// good.jpg is good; others fail as they are called; `down`: nobody is answered.
  test::HttpServer server{[this](const Asked& asked) -> Answer {
    if (down) return {503, "overloaded"};
    if (asked.target == "/good_slow.jpg") {
      is_slow = true;
      return {200, "good bytes", {}, {}, true, {}, 700ms};
    }
    if (asked.target.starts_with("/good")) return {200, "good bytes"};
    if (asked.target == "/cut.jpg") return {200, std::string(9'000, 'x'), {}, {}, true, 100};
    if (asked.target == "/stall.jpg")
      return {200, std::string(9'000, 'x'), {}, {}, true, {}, 0ms, 100};
    if (asked.target == "/twice.jpg") return ++twice == 1 ? Answer{500} : Answer{200, "at last"};
    if (asked.target == "/busy.jpg") {
      return ++twice == 1 ? Answer{503, "", {{"Retry-After", "1"}}} : Answer{200, "at last"};
    }
    if (asked.target == "/later.jpg") return {503, "", {{"Retry-After", "100"}}};
    return {std::stoi("0" + asked.target.substr(1)) > 0 ? std::stoi(asked.target.substr(1)) : 404};
  }};
  std::atomic<int> twice{0};
  std::shared_ptr<RemotePhotos> photos;
};

TEST_F(RemotePhotosTest, TakesAClearAnswerForAVerdict) {
  open(server.url());
  EXPECT_EQ(read("good.jpg"), "good bytes");
  EXPECT_EQ(read("404"), "http_404");
  EXPECT_EQ(read("410"), "http_404");
  EXPECT_EQ(read("403"), "http_403");
  EXPECT_EQ(read("418"), "http_other");
  EXPECT_EQ(server.requests(), 5) << "none is asked for twice";
}

TEST_F(RemotePhotosTest, TriesAgainWhatMayPass) {
  open(server.url());
  EXPECT_EQ(read("twice.jpg"), "at last");
  EXPECT_EQ(server.requests(), 2);
}

TEST_F(RemotePhotosTest, WaitsAsLongAsTheServerAsks) {
  open(server.url());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(read("busy.jpg"), "at last");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 900ms);

  EXPECT_THAT(read("later.jpg"), StartsWith("fault: "));
  const int requests = server.requests();
  EXPECT_THAT(read("good.jpg"), HasSubstr("asked not to be asked for"));
  EXPECT_THAT(photos->check().error().message, HasSubstr("asked not to be asked for"));
  EXPECT_EQ(server.requests(), requests) << "and is not";
}

TEST_F(RemotePhotosTest, BlamesAPhotoWhileOthersAreAnswered) {
  open(server.url());
  ASSERT_EQ(read("good.jpg"), "good bytes");
  EXPECT_EQ(read("503"), "http_5xx");
  EXPECT_EQ(read("cut.jpg"), "truncated");
  EXPECT_EQ(read("stall.jpg"), "too_slow");
}

// The only photo of a run: there is no other to ask for.
TEST_F(RemotePhotosTest, BlamesAPhotoThatTheServerItselfBlames) {
  open(server.url());
  EXPECT_EQ(read("500"), "http_5xx");
  EXPECT_EQ(read("cut.jpg"), "truncated");
  EXPECT_THAT(read("503"), StartsWith("fault: ")) << "an overload is nobody's in particular";
}

TEST_F(RemotePhotosTest, BlamesNoPhotoForAServerThatIsDown) {
  open(server.url());
  ASSERT_EQ(read("good.jpg"), "good bytes");
  down = true;
  EXPECT_THAT(read("good2.jpg"), StartsWith("fault: "));
  EXPECT_THAT(read("404"), StartsWith("fault: "));
  EXPECT_FALSE(photos->check());
  down = false;
  EXPECT_TRUE(photos->check());
  EXPECT_EQ(read("good2.jpg"), "good bytes");

  server.stop();
  EXPECT_THAT(read("good.jpg"), StartsWith("fault: "));
  EXPECT_FALSE(photos->check());
  server.start();
  EXPECT_TRUE(photos->check());
  EXPECT_EQ(read("good.jpg"), "good bytes");
}

TEST_F(RemotePhotosTest, BlamesNoPhotoForAServerThatLostItsName) {
  const std::string named = "http://photos.test:" + std::to_string(server.port());
  open(named);
  test::named_host().has_name = false;
  EXPECT_EQ(read("good.jpg"), "dns") << "there never was a server of that name";
  EXPECT_TRUE(photos->check()) << "and its photos need not wait for one";
  test::named_host().has_name = true;
  ASSERT_EQ(read("good.jpg"), "good bytes");

  test::named_host().has_name = false;
  server.stop();
  server.start();  // no connection is left
  photos.reset();
  open(named);
  EXPECT_EQ(read("good.jpg"), "dns");
  test::named_host().has_name = true;
  ASSERT_EQ(read("404"), "http_404");  // an answer, too
  test::named_host().has_name = false;
  // The connection lives; further ones need the name.
  std::thread slow([this] { EXPECT_EQ(read("good_slow.jpg"), "good bytes"); });
  while (!is_slow) std::this_thread::sleep_for(1ms);
  EXPECT_THAT(read("good2.jpg"), StartsWith("fault: "));
  slow.join();
  EXPECT_FALSE(photos->check()) << "not over the old connection";
  test::named_host().has_name = true;
  EXPECT_TRUE(photos->check());
  EXPECT_EQ(read("good2.jpg"), "good bytes");
}

TEST_F(RemotePhotosTest, WaitsForANameThatMayComeYetAndNotForEver) {
  const std::string named = "http://photos.test:" + std::to_string(server.port());
  test::named_host().has_name = false;
  open(named, 1h);
  EXPECT_THAT(read("good.jpg"), StartsWith("fault: "));
  EXPECT_FALSE(photos->check());
  test::named_host().has_name = true;
  EXPECT_TRUE(photos->check());
  EXPECT_EQ(read("good.jpg"), "good bytes");

  test::named_host().has_name = false;
  open(named, 1ms);
  std::string got = read("good.jpg");
  while (got.starts_with("fault: ")) got = read("good.jpg");
  EXPECT_EQ(got, "dns");
  EXPECT_TRUE(photos->check()) << "and its photos need not wait for one";
  test::named_host().has_name = true;
}

TEST_F(RemotePhotosTest, BlamesNoPhotoForAServerWhoseCertificateWentBad) {
  const test::TempDir folder, other;
  const test::Certificate good = test::make_certificate(folder),
                          bad = test::make_certificate(other);
  test::HttpServer tls([](const Asked&) { return Answer{200, "good bytes"}; }, good);
  settings.ca_file = good.certificate_file;
  open(tls.url());
  ASSERT_EQ(read("good.jpg"), "good bytes");
  tls.stop();
  tls.present(bad);
  tls.start();
  EXPECT_THAT(read("good.jpg"), StartsWith("fault: "));
  EXPECT_FALSE(photos->check());
  open(tls.url());
  EXPECT_EQ(read("good.jpg"), "tls") << "nobody ever saw it good";
  tls.stop();
  tls.present(good);
  tls.start();
  EXPECT_TRUE(photos->check());
  EXPECT_EQ(read("good.jpg"), "good bytes");
}

TEST_F(RemotePhotosTest, AsksAHostForSoManyAtATimeAndPerSecond) {
  settings.connections = 2;
  settings.rate_per_s = 20;
  open(server.url());
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([this] { EXPECT_EQ(read("good.jpg"), "good bytes"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(server.requests_max(), 2);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 240ms) << "five gaps of 50 ms";
}

TEST_F(RemotePhotosTest, RefusesPrivateAddressesUnlessTold) {
  settings.allow_private = false;
  open(server.url());
  EXPECT_EQ(read("good.jpg"), "private_address");
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(RemotePhotosTest, ReadsABucketAndBlamesNoObjectForItsAccount) {
  test::S3Server bucket;
  bucket.put("2019/a b.jpg", "bytes");
  for (const auto& [name, value] : bucket.environment()) ::setenv(name.c_str(), value.c_str(), 1);
  open("s3://photos");
  EXPECT_EQ(read("2019/a b.jpg"), "bytes");
  EXPECT_EQ(read("2019/absent.jpg"), "http_404");
  EXPECT_TRUE(photos->check());
  bucket.refuse_with("ExpiredToken");
  EXPECT_THAT(read("2019/a b.jpg"), HasSubstr("ExpiredToken"));
  EXPECT_THAT(read("2019/a b.jpg"), StartsWith("fault: "));
  EXPECT_THAT(photos->check().error().message, HasSubstr("ExpiredToken"));
  for (const auto& [name, value] : bucket.environment()) ::unsetenv(name.c_str());
}

// The keeper blames with the reason that the read found.
TEST_F(RemotePhotosTest, KeepsTheReasonOfAFault) {
  Faulted item;
  item.fault = Fault{FaultOf::storage, "https://host: the server answers 503", Reason::http_5xx};
  const Failed failed = blamed(item, item.fault.reason, 10);
  EXPECT_EQ(failed.reason, Reason::http_5xx);
  EXPECT_THAT(failed.detail, HasSubstr("10 times, under a living root"));
}

}  // namespace
}  // namespace photoscribe
