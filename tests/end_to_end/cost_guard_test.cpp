// What a photo costs a worker outside decoding and the network, counted and not timed: its system
// calls. ops/bench/BUDGET.md has what each of them is for; ops/bench/pipeline measures the time.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "common/core/model_folder.h"
#include "tests/common/image/make_images.h"
#include "tests/scheduler/run/run_batch_fixture.h"
#include "tests/support/redis_server.h"

namespace photoscribe::test {
namespace {

using Calls = std::map<std::string, std::int64_t>;  // by system call, "total" among them

/// The table that `strace -c` writes when the process has ended.
Calls read_table(const std::string& file) {
  Calls calls;
  for (int i = 0; i < 1'000 && !calls.contains("total"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      double share = 0, seconds = 0;
      std::int64_t each = 0, count = 0;
      std::string name;
      if (!(words >> share >> seconds >> each >> count)) continue;
      while (words >> name) {
      }
      calls[name] = count;
    }
  }
  return calls;
}

/// A whole run with a worker whose network answers at once.
class EmptyRun : public RunBatch {
 protected:
  RunRequest empty_request(const std::string& worker) const {
    RunRequest request = this->request();
    request.model_folder = PHOTOSCRIBE_SOURCE_DIR "/models/fast";
    request.settings.model_hash = read_model_folder(request.model_folder)->hash;
    request.worker_executable = worker;
    request.lease.lease_ms = 10'000;
    request.lease.beat_ms = 1'000;
    request.batch = 0;
    return request;
  }
};

class CostGuard : public EmptyRun {
 protected:
  void SetUp() override {
    RunBatch::SetUp();
    const std::string probe = "strace -f -c -o " + folder_.file("probe") + " true 2>/dev/null";
    if (std::system(probe.c_str()) != 0) {  // NOLINT: a constant of this test
      GTEST_SKIP() << "strace cannot trace here: it is not installed, or ptrace is forbidden "
                      "(a container needs --cap-add=SYS_PTRACE)";
    }
  }

  /// System calls of a worker that measures so many small photos, all blurred.
  Calls calls_for(int photos) {
    const std::string name = std::to_string(photos), table = folder_.file("calls-" + name);
    std::filesystem::create_directory(folder_.path() / ("photos-" + name));
    const auto png = photoscribe::testing::encode_png(photoscribe::testing::smooth_picture(16, 16));
    for (int i = 0; i < photos; ++i) {
      folder_.write("photos-" + name + "/" + std::to_string(i) + ".png",
                    std::string(png.begin(), png.end()));
    }
    // The tracer is a process of its own, so that signals reach the worker.
    const std::string traced =
        folder_.write("worker-" + name, "#!/bin/sh\nexec strace -D -f -c -o " + table + " " +
                                            PHOTOSCRIBE_EMPTY_WORKER + " \"$@\"\n");
    ::chmod(traced.c_str(), 0700);
    RunRequest request = empty_request(traced);
    request.photos = {folder_.file("photos-" + name)};
    request.database = folder_.file(name + ".db");
    const RunSummary summary = run(request);
    EXPECT_EQ(summary.end, RunEnd::complete);
    EXPECT_EQ(summary.blurred, photos);
    return read_table(table);
  }
};

// On 2026-11-29, two cores: 11.4, of which 11 are of the file: openat 2, openat2 1, newfstatat 4,
// read 1, close 3. The others, futex and epoll_wait (22 of them before photos moved in groups),
// depend on the machine, hence their margin. A stop for strace counts as a wait of the thread, so
// here all reads look slow, those that read ahead work, too, and getrusage is called for each.
TEST_F(CostGuard, APhotoTakesFewSystemCallsOfAWorker) {
  constexpr int kFew = 40, kMany = 1'040;
  const Calls few = calls_for(kFew), many = calls_for(kMany);
  ASSERT_TRUE(few.contains("total") && many.contains("total")) << "strace wrote no table";

  double of_the_file = 0;
  const auto each = [&](const std::string& call) {
    const auto before = few.find(call), after = many.find(call);
    const std::int64_t more =
        (after == many.end() ? 0 : after->second) - (before == few.end() ? 0 : before->second);
    return static_cast<double>(more) / (kMany - kFew);
  };
  std::string shown;
  for (const auto& [call, count] : many)
    if (each(call) > 0.01) shown += call + " " + std::to_string(each(call)) + "\n";
  for (const char* call : {"openat", "openat2", "newfstatat", "fstat", "read", "close"})
    of_the_file += each(call);

  EXPECT_LE(of_the_file, 11.5) << shown;
  EXPECT_LE(each("total") - of_the_file - each("getrusage"), 3) << shown;
}

/// Not traced: commands are counted where they arrive.
class CommandGuard : public EmptyRun {};

// On 2026-11-29: two HMGETs for about eight photos; two HGETs for each before.
TEST_F(CommandGuard, Issue17ClearPhotosAreAskedForInGroups) {
  constexpr int kPhotos = 400;
  for (int i = 0; i < kPhotos; ++i) {
    const auto seed = static_cast<std::uint32_t>(i + 1);  // no two of the same bytes
    const auto png =
        photoscribe::testing::encode_png(photoscribe::testing::sharp_picture(16, 16, seed));
    folder_.write("photos/" + std::to_string(i) + ".png", std::string(png.begin(), png.end()));
  }
  RedisServer server;
  RunRequest request = empty_request(PHOTOSCRIBE_EMPTY_WORKER);
  request.redis_url = server.url();

  const RunSummary summary = run(request);

  EXPECT_EQ(summary.end, RunEnd::complete);
  ASSERT_EQ(summary.blurred, 0);
  const std::string stats = server.command({"INFO", "commandstats"});
  const auto calls = [&stats](const std::string& command) {
    const std::string name = "cmdstat_" + command + ":calls=";
    const auto at = stats.find(name);
    return at == std::string::npos ? 0 : std::atoi(stats.c_str() + at + name.size());
  };
  EXPECT_GT(calls("hmget"), 0) << stats;
  EXPECT_LE(calls("hmget") + calls("hget"), kPhotos) << stats;
}

}  // namespace
}  // namespace photoscribe::test
