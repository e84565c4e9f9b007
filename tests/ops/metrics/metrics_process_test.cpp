// --http of the programs, started as a user starts them.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "scheduler/process/program.h"
#include "tests/ops/cli/program.h"
#include "tests/support/http_client.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kWorker = "PHOTOSCRIBE_WORKER_EXECUTABLE=" PHOTOSCRIBE_FAKE_WORKER;

/// `photoscribe` in the background, its output in a file.
class BackgroundProgram {
 public:
  BackgroundProgram(const std::vector<std::string>& words, const std::string& log) : log_(log) {
    ProgramOptions options;
    options.executable = program();
    options.words = {"photoscribe"};
    options.words.insert(options.words.end(), words.begin(), words.end());
    options.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", kWorker};
    const int file = ::open(log.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    child_ = Program(std::move(options)).start({-1, file, file});
    ::close(file);
  }
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;
  ~BackgroundProgram() { (void)end(); }
  int end() {
    if (child_ < 0) return -1;
    ::kill(child_, SIGTERM);
    return shell_status_of(reap(std::exchange(child_, -1)));
  }
  [[nodiscard]] std::string output() const {
    std::ifstream in(log_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The port of the address that it prints after `mark`; 0 if it prints none within a minute.
  [[nodiscard]] std::uint16_t port(const std::string& mark) const {
    for (int i = 0; i < 6'000; ++i, std::this_thread::sleep_for(10ms)) {
      const std::string text = output();
      const auto at = text.find(mark + "http://127.0.0.1:");
      if (at == std::string::npos || text.find('\n', at) == std::string::npos) continue;
      return static_cast<std::uint16_t>(std::atoi(text.c_str() + at + mark.size() + 17));
    }
    return 0;
  }

 private:
  const std::string log_;
  pid_t child_ = -1;
};

/// Asks until the answer has this status, for a minute at most.
test::HttpReply until(std::uint16_t port, const std::string& path, int status) {
  test::HttpReply reply;
  for (int i = 0; i < 6'000 && reply.status != status; ++i, std::this_thread::sleep_for(10ms)) {
    reply = test::http(port, {"GET", path});
  }
  return reply;
}

TEST(Http, OfASchedulerFollowsItsRedisAndIsBesideThePage) {
  test::RedisServer redis;
  const test::TempDir folder;
  BackgroundProgram scheduler({"scheduler", folder.file("archive.db"), "--redis", redis.url(),
                               "--http", "127.0.0.1:0", "--serve", "127.0.0.1:0", "--no-progress"},
                              folder.file("log"));
  const std::uint16_t port = scheduler.port("the metrics: "), page = scheduler.port("the page: ");
  ASSERT_NE(port, 0) << scheduler.output();
  EXPECT_EQ(until(port, "/readyz", 200).body, "ready\n");
  EXPECT_EQ(test::http(port, {"GET", "/livez"}).body, "alive\n");
  EXPECT_THAT(test::http(port, {"GET", "/metrics"}).body,
              AllOf(HasSubstr("photoscribe_scheduler_ready 1\n"),
                    HasSubstr("process_resident_memory_bytes ")));
  EXPECT_THAT(until(page, "/metrics", 200).body, AllOf(HasSubstr("photoscribe_scheduler_ready 1\n"),
                                                       HasSubstr("photoscribe_scheduler_up 1\n")));
  EXPECT_EQ(scheduler.end(), 4);
}

TEST(Http, OfARunCountsItsPhotos) {
  const test::TempDir folder;
  std::filesystem::create_directory(folder.path() / "photos");
  for (int i = 0; i < 20; ++i) {
    folder.write("photos/p" + std::to_string(i) + ".jpg", "bytes " + std::to_string(i));
  }
  BackgroundProgram run(
      {"run", folder.file("photos"), "-o", folder.file("archive.db"), "--model",
       PHOTOSCRIBE_SOURCE_DIR "/models/fast", "--watch", "--http", "127.0.0.1:0", "--no-progress"},
      folder.file("log"));
  const std::uint16_t port = run.port("the metrics: ");
  ASSERT_NE(port, 0) << run.output();
  EXPECT_EQ(until(port, "/readyz", 200).body, "ready\n") << run.output();
  std::string text;
  for (int i = 0; i < 6'000; ++i, std::this_thread::sleep_for(10ms)) {
    text = test::http(port, {"GET", "/metrics"}).body;
    if (text.find("photoscribe_photos{run=\"default\",state=\"pending\"} 0\n") != text.npos &&
        text.find("photoscribe_queue_tasks{run=\"default\",state=\"held\"} 0\n") != text.npos) {
      break;
    }
  }
  EXPECT_THAT(text,
              AllOf(HasSubstr("photoscribe_redis_up 1\n"),
                    HasSubstr("photoscribe_queue_tasks{run=\"default\",state=\"waiting\"} 0\n"),
                    HasSubstr("photoscribe_queue_oldest_task_seconds{run=\"default\"} 0\n"),
                    HasSubstr("photoscribe_scheduler_commit_results_sum{run=\"default\"} 20\n"),
                    HasSubstr("photoscribe_scheduler_reconciles_total{run=\"default\"} 1\n")))
      << run.output();
  EXPECT_EQ(run.end(), 1) << "one of them is cut: " << run.output();
}

TEST(Http, SaysWhatIsWrongWithIt) {
  const test::TempDir folder;
  const std::string database = folder.file("archive.db");
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--http", "0.0.0.0:0"},
                                                {"--http", "nowhere"},
                                                {"--token-file", folder.file("token")},
                                                {"--http", "0", "--edit"}}) {
    for (std::vector<std::string> words :
         {std::vector<std::string>{"scheduler", database, "--redis", "unix:/nowhere"},
          {"run", folder.path().string(), "-o", database}}) {
      words.insert(words.end(), wrong.begin(), wrong.end());
      const ChildOutput output = photoscribe(words, {kWorker});
      EXPECT_EQ(output.exit_status, 2) << words[0] << " " << wrong[0] << ": " << output.err;
      EXPECT_THAT(output.err, HasSubstr(wrong.back().rfind("--", 0) == 0 ? wrong.back() : wrong[0]))
          << words[0];
    }
  }
}

}  // namespace
}  // namespace photoscribe::cli
