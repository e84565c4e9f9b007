// A run over a Redis that is shut: TLS with a certificate to be checked, and two users with no more
// rights than ops/config/redis-users.conf gives them, one for the scheduler and one for a worker
// that runs by itself.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/end_to_end/fixture.h"
#include "tests/support/redis_server.h"

namespace photoscribe::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "correct-horse-battery";

std::string whole_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> shipped_users() {
  std::ifstream file(PHOTOSCRIBE_SOURCE_DIR "/ops/config/redis-users.conf");
  std::vector<std::string> lines;
  const std::string mark = "#PASSWORD_SHA256";
  for (std::string line; std::getline(file, line);) {
    const auto at = line.find(mark);
    if (line.starts_with("user ") && at != std::string::npos)
      lines.push_back(line.replace(at, mark.size(), std::string(">") + kSecret));
  }
  return lines;
}

class GuardedRedis : public EndToEnd {
 protected:
  void SetUp() override {
    EndToEnd::SetUp();
    ::setenv("PHOTOSCRIBE_REDIS_PASSWORD_FILE", folder_.write("secret", kSecret).c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("PHOTOSCRIBE_REDIS_PASSWORD_FILE");
    EndToEnd::TearDown();
  }
  [[nodiscard]] std::string url_of(const std::string& user) const {
    std::string url = server_.tls_url();
    return url.insert(url.find("://") + 3, user + "@");
  }
  RedisServer server_{{.acl_users = shipped_users(), .tls = true}};
};

TEST_F(GuardedRedis, AWholeRunGoesThroughAndThePasswordIsNowhereToBeSeen) {
  add_photos(30);
  Process worker(worker_command(url_of("photoscribe-worker")), folder_.path().string());
  Process run(run_command({"--redis", url_of("photoscribe-scheduler"), "--workers", "0", "--json"}),
              folder_.path().string());
  for (const Process* one : {&worker, &run}) {
    const std::string process = "/proc/" + std::to_string(one->pid());
    EXPECT_THAT(whole_file(process + "/cmdline"), Not(HasSubstr(kSecret)));
    EXPECT_THAT(whole_file(process + "/environ"), Not(HasSubstr(kSecret)));
  }

  const Finished end = run.wait();
  worker.signal(15);
  const Finished worker_end = worker.wait();

  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(worker_end.exit_status, 0) << worker_end.err;
  expect_everything_once(30);
  EXPECT_THAT(end.out + end.err + worker_end.out + worker_end.err, Not(HasSubstr(kSecret)));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(database() + ".state")) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(whole_file(entry.path().string()), Not(HasSubstr(kSecret))) << entry.path();
  }
  EXPECT_THAT(whole_file(database()), Not(HasSubstr(kSecret)));
}

TEST_F(GuardedRedis, ACertificateThatNobodyVouchesForIsRefused) {
  add_photos(1);
  std::string url = url_of("photoscribe-scheduler");
  url.erase(url.find("?ca="));

  const Finished end = run_photos({"--redis", url, "--workers", "0"});

  EXPECT_EQ(end.exit_status, 3) << end.err;
  EXPECT_THAT(end.err, HasSubstr("?ca=FILE"));
}

TEST_F(GuardedRedis, AWorkersUserCannotRunTheScheduler) {
  add_photos(1);

  const Finished end = run_photos({"--redis", url_of("photoscribe-worker"), "--workers", "0"});

  EXPECT_EQ(end.exit_status, 3) << end.err;
  EXPECT_THAT(end.err, HasSubstr("redis-users.conf"));
}

}  // namespace
}  // namespace photoscribe::test
