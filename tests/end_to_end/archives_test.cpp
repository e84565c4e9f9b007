// Runs over archives, with a real Redis, real workers that read in place, and kills.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <map>
#include <thread>

#include "common/core/sha256.h"
#include "tests/common/image/make_images.h"
#include "tests/scheduler/run/run_batch_fixture.h"
#include "tests/scheduler/store/store_fixture.h"
#include "tests/support/make_archive.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string photo(int seed) {
  const auto bytes =
      photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(60 + seed, 48));
  return {bytes.begin(), bytes.end()};
}

class RunArchives : public RunBatch {
 protected:
  RunRequest over(const std::string& archive) const {
    RunRequest made = request();
    made.photos = {folder_.file(archive)};
    made.worker_executable = PHOTOSCRIBE_READING_WORKER;
    made.workers = 2;
    made.lease.lease_ms = 1000;
    made.lease.beat_ms = 100;
    return made;
  }
  std::vector<std::string> rows(const std::string& columns) const {
    return plain_rows(folder_.file("archive.db"),
                      "SELECT " + columns + " FROM caption_result ORDER BY uri");
  }
};

TEST_F(RunArchives, CaptionsEveryMemberInPlace) {
  using Kind = MadeMember::Kind;
  std::vector<MadeMember> members;
  for (int i = 0; i < 12; ++i)
    members.push_back({"2019/p" + std::to_string(10 + i) + ".jpg", photo(i)});
  members.push_back({"../up.jpg", photo(1)});
  members.push_back({"cut.jpg", photo(20).substr(0, 500)});
  members.push_back({"link.jpg", "", Kind::link, "2019/p10.jpg"});
  members.push_back({"notes.txt", "x"});
  for (const MadeAs as : {MadeAs::tar, MadeAs::zip_deflated, MadeAs::tar_zst}) {
    const std::string name = "a" + std::to_string(static_cast<int>(as));
    make_archive(folder_.file(name), as, members);
    RunRequest request = over(name);
    request.database = folder_.file(name + ".db");

    const RunSummary summary = run(request);

    EXPECT_EQ(summary.end, RunEnd::complete);
    EXPECT_EQ(summary.total, 15);
    EXPECT_EQ(summary.done + summary.unsure + summary.blurred, 12) << name;
    const auto failed = plain_rows(request.database,
                                   "SELECT replace(uri, '" + folder_.file(name) +
                                       "!', ''), reason FROM caption_result WHERE state = 'failed' "
                                       "ORDER BY 1");
    EXPECT_THAT(failed,
                ElementsAre("../up.jpg|unsafe_name", "cut.jpg|truncated", "link.jpg|not_a_file"));
    EXPECT_EQ(plain_rows(request.database,
                         "SELECT count(*) FROM caption_result WHERE uri GLOB '*!2019/p1[0-9].jpg' "
                         "AND width BETWEEN 60 AND 69"),
              std::vector<std::string>{"10"});
    EXPECT_TRUE(run(request).nothing_to_do);
  }
}

TEST_F(RunArchives, LosesAndDoublesNothingWhenItIsKilled) {
  std::vector<MadeMember> members;
  for (int i = 0; i < 120; ++i) members.push_back({"p" + std::to_string(i) + ".jpg", photo(i)});
  for (const MadeAs as : {MadeAs::tar, MadeAs::zip_deflated, MadeAs::tar_zst}) {
    const std::string name = "k" + std::to_string(static_cast<int>(as));
    make_archive(folder_.file(name), as, members);
    RunRequest request = over(name);
    request.database = folder_.file(name + ".db");
    const auto has_table = [&] {
      return std::filesystem::exists(request.database) &&
             plain_rows(request.database,
                        "SELECT count(*) FROM sqlite_master WHERE name = 'caption_result'") ==
                 std::vector<std::string>{"1"};
    };
    const auto finished = [&] {
      return std::stoi(plain_rows(request.database,
                                  "SELECT count(*) FROM caption_result WHERE state <> 'pending'")
                           .at(0));
    };

    const pid_t child = ::fork();
    if (child == 0) {  // a run of its own process, to be killed
      ::setenv("PHOTOSCRIBE_TEST_MS", "100", 1);
      StopHandle stop;
      Watcher watcher;
      (void)run_batch(request, watcher, stop);
      ::_exit(0);
    }
    for (int i = 0; i < 1'200; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (has_table() && finished() > 10) break;
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const int before = finished();
    EXPECT_GT(before, 0);
    EXPECT_LT(before, 120);

    const RunSummary summary = run(request);
    EXPECT_EQ(summary.end, RunEnd::complete);
    EXPECT_EQ(summary.total, 120);
    EXPECT_EQ(summary.failed, 0);
    EXPECT_EQ(plain_rows(request.database, "SELECT count(*), count(DISTINCT image_id) FROM result"),
              std::vector<std::string>{"120|120"});
  }
}

}  // namespace
}  // namespace photoscribe::test
