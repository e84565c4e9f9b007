// Whole runs over a web server and a bucket, which may be down, cut, stall and lie.
#include <gmock/gmock.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/end_to_end/fixture.h"
#include "tests/support/http_server.h"
#include "tests/support/s3_server.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Remote : public EndToEnd {
 protected:
  void SetUp() override {
    EndToEnd::SetUp();
    ::setenv("PHOTOSCRIBE_REMOTE_STALL_TIMEOUT_S", "1", 1);
  }
  void TearDown() override {
    for (const std::string& name : set_) ::unsetenv(name.c_str());
    ::unsetenv("PHOTOSCRIBE_REMOTE_STALL_TIMEOUT_S");
    EndToEnd::TearDown();
  }
  void put_into_environment(const std::map<std::string, std::string>& values) {
    for (const auto& [name, value] : values) {
      ::setenv(name.c_str(), value.c_str(), 1);
      set_.push_back(name);
    }
  }
  /// `photoscribe run` with these words instead of the folder.
  std::vector<std::string> command(std::vector<std::string> words) const {
    std::vector<std::string> argv = run_command({"--no-progress", "--allow-private"});
    argv.erase(argv.begin() + 2);
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
  }
  Finished run_remote(std::vector<std::string> words) const {
    return run(command(std::move(words)), folder_.path().string());
  }
  std::string list_of(const HttpServer& server, int photos) const {
    std::ofstream list(folder_.file("urls.txt"));
    list << "# photos of the test\n\n";
    for (int i = 0; i < photos; ++i) list << server.url("/" + std::to_string(i) + ".jpg\n");
    return folder_.file("urls.txt");
  }
  static int number_of(const Asked& asked) { return std::stoi("0" + asked.target.substr(1)); }

  std::vector<std::string> set_;
};

TEST_F(Remote, CaptionsPhotosOfAWebServer) {
  HttpServer server([](const Asked& asked) -> Answer {
    if (asked.target == "/gone.jpg") return {404, "no"};
    if (asked.target == "/page.jpg") return {200, "<html>log in</html>"};
    if (asked.target == "/moved.jpg") return {302, "", {{"Location", "/8.jpg"}}};
    if (asked.target == "/a%20b.jpg?w=800") return {200, clear_jpeg(99)};
    return {200, clear_jpeg(number_of(asked))};
  });
  const std::string list = list_of(server, 8);
  std::ofstream(list, std::ios::app) << server.url("/3.jpg\n") << "ftp://host/a.jpg\n";

  const Finished got =
      run_remote({server.url("/gone.jpg"), server.url("/page.jpg"), server.url("/moved.jpg"),
                  server.url("/a%20b.jpg?w=800"), "--urls", list});

  EXPECT_EQ(got.exit_status, 1) << got.err;
  EXPECT_EQ(count("state = 'done'"), "10") << got.err;
  EXPECT_EQ(count("reason = 'http_404' AND uri = '" + server.url("/gone.jpg") + "'"), "1");
  EXPECT_EQ(count("reason = 'not_an_image'"), "1");
  EXPECT_EQ(count("1"), "12");
  EXPECT_EQ(count("uri = '" + server.url("/a%20b.jpg?w=800") + "' AND state = 'done'"), "1")
      << "the uri is the URL";
  EXPECT_THAT(got.out + got.err, HasSubstr("urls.txt:12: ")) << "the line that is no URL";
  EXPECT_LE(server.connections(), 20) << "connections are used again";

  const int requests = server.requests();
  const Finished again = run_remote({"--urls", list, server.url("/gone.jpg")});
  EXPECT_EQ(server.requests(), requests) << "nothing is fetched twice" << again.err;
  EXPECT_EQ(count("1"), "12");
}

TEST_F(Remote, RefusesWhatItShouldNotFetchAndSaysWhy) {
  HttpServer server([](const Asked&) { return Answer{200, clear_jpeg(1)}; });
  std::vector<std::string> argv = command({server.url("/1.jpg")});
  argv.erase(std::find(argv.begin(), argv.end(), "--allow-private"));
  const Finished refused = run(argv, folder_.path().string());
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(server.connections(), 0);
  EXPECT_EQ(count("reason = 'private_address'"), "1");
  EXPECT_THAT(refused.out, HasSubstr("--allow-private"));

  const Finished secret = run_remote({"http://me:s3cret@127.0.0.1/1.jpg"});
  EXPECT_EQ(secret.exit_status, 2);
  EXPECT_THAT(secret.err, HasSubstr("AWS_ACCESS_KEY_ID"));
  EXPECT_THAT(run_remote({server.url()}).err, HasSubstr("names a server, but no photo"));
}

TEST_F(Remote, CaptionsABucketAndSeesWhatChanges) {
  S3Server bucket({}, 7);
  for (int i = 0; i < 20; ++i)
    bucket.put("2019/photo " + std::to_string(i) + ".jpg", clear_jpeg(i));
  bucket.put("2019/notes.txt", "no photo");
  bucket.put("2019-old/other.jpg", clear_jpeg(50));
  put_into_environment(bucket.environment());

  const Finished got = run_remote({"s3://photos/2019"});

  EXPECT_EQ(got.exit_status, 0) << got.err;
  EXPECT_EQ(count("state = 'done'"), "20");
  EXPECT_EQ(count("uri = 's3://photos/2019/photo 7.jpg'"), "1");
  EXPECT_GE(bucket.pages_listed(), 3);
  EXPECT_THAT(got.out, HasSubstr(".txt 1"));
  // No secret is anywhere.
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_regular_file() || entry.path().extension() == ".jpg") continue;
    EXPECT_THAT(read_file(entry.path()), Not(HasSubstr("s3cr3t/of"))) << entry.path();
  }
  EXPECT_THAT(got.out + got.err, Not(HasSubstr("s3cr3t")));

  bucket.put("2019/photo 3.jpg", clear_jpeg(60));
  bucket.put("2019/photo 20.jpg", clear_jpeg(61));
  bucket.remove("2019/photo 4.jpg");
  const Finished again = run_remote({"s3://photos/2019", "--json"});
  EXPECT_EQ(again.exit_status, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("\"added\":1"));
  EXPECT_THAT(again.out, HasSubstr("\"changed\":1"));
  EXPECT_THAT(again.out, HasSubstr("\"vanished\":1"));

  const Finished nowhere = run_remote({"s3://other/2019"});
  EXPECT_EQ(nowhere.exit_status, 3);
  EXPECT_THAT(nowhere.err, HasSubstr("NoSuchBucket"));
}

// Its server cuts, stalls, lies, is overloaded for seconds, and then gone for seconds.
TEST_F(Remote, ChaosLosesDoublesAndBlamesNothing) {
  constexpr int kPhotos = 60;
  std::atomic<int> asked_for{0};
  std::atomic<bool> overloaded{false};
  HttpServer server([&](const Asked& asked) -> Answer {
    if (asked.target == "/") return {404, ""};
    if (overloaded) return {503, "", {{"Retry-After", "1"}}};
    Answer answer{200, clear_jpeg(number_of(asked))};
    switch (++asked_for % 17) {
      case 3:
        answer.cut_after = 1'000;
        break;
      case 7:
        answer.told_length = answer.body.size() + 100;
        break;
      case 11:
        answer.stall_after = 500;
        break;
      case 13:
        return {500, "oh"};
      default:
        answer.wait = 20ms;
    }
    return answer;
  });
  Process running(command({"--urls", list_of(server, kPhotos), "--rate", "15"}),
                  folder_.path().string());
  ASSERT_TRUE(recorded(10)) << running.err_so_far();
  overloaded = true;
  std::this_thread::sleep_for(3s);
  overloaded = false;
  ASSERT_TRUE(recorded(25)) << running.err_so_far();
  server.stop();
  std::this_thread::sleep_for(3s);
  server.start();

  const Finished got = running.wait();

  EXPECT_EQ(got.exit_status, 0) << got.err << got.out;
  expect_everything_once(kPhotos);
  EXPECT_EQ(count("reason IS NOT NULL"), "0") << got.out;
}

}  // namespace
}  // namespace photoscribe::test
