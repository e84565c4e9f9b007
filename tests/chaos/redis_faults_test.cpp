// What can happen to Redis in the middle of a run: death, loss, age, damage, silence, want.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/chaos/chaos.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

RedisOptions durable(std::vector<std::string> directives = {}) {
  RedisOptions options;
  options.aof = true;
  options.directives = std::move(directives);
  return options;
}

class Redis : public Chaos {
 protected:
  [[nodiscard]] fs::path data() { return redis().folder().path() / "appendonlydir"; }
  /// The file that grows.
  [[nodiscard]] fs::path log() {
    for (const auto& entry : fs::directory_iterator(data())) {
      if (entry.path().string().ends_with(".incr.aof")) return entry.path();
    }
    return {};
  }
};

TEST_F(Redis, KilledComesBackAsItWasAndTheRunGoesOn) {
  begin(32, durable());
  Process run = start();
  for (int kills = 1; kills <= 2; ++kills) {
    ASSERT_TRUE(reached(kills * pick(3, 8)));
    redis().kill();
    damaged();
    redis().start();
    expect_recovery(20s);
  }
  finish(run);
}

TEST_F(Redis, KilledComesBackEmptyAndTheRunGoesOn) {
  begin(32);
  Process run = start();
  ASSERT_TRUE(reached(pick(3, 12)));
  redis().kill();
  damaged();
  redis().start();
  expect_recovery(20s);
  finish(run);
}

TEST_F(Redis, FlushedAgainAndAgainLosesNothing) {
  begin(40);
  Process run = start({"--workers", "2"});
  for (int flushes = 1; flushes <= 3; ++flushes) {
    ASSERT_TRUE(reached(flushes * pick(3, 8)));
    redis().flushall();
    damaged();
    expect_recovery(20s);
  }
  finish(run);
}

TEST_F(Redis, AnOlderCopyPutBackRevivesNothing) {
  begin(60, durable());
  const fs::path copy = redis().folder().path() / "copy";
  Process run = start();
  ASSERT_TRUE(reached(pick(3, 6)));
  fs::copy(data(), copy, fs::copy_options::recursive);
  const int then = results();
  ASSERT_TRUE(reached(then + 16)) << "time passes";
  redis().kill();
  fs::remove_all(data());
  fs::rename(copy, data());
  damaged();
  redis().start();
  expect_recovery(20s);
  finish(run);
}

TEST_F(Redis, ADamagedLogStopsItUntilItIsMendedAndLosesNothing) {
  begin(40, durable());
  Process run = start();
  ASSERT_TRUE(reached(pick(6, 12)));
  redis().kill();
  const auto size = static_cast<std::streamoff>(fs::file_size(log()));
  {
    std::fstream file(log(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(size / 2);
    file << std::string(400, '\xff');
  }
  EXPECT_THROW(redis().start(), std::runtime_error) << "damaged, and yet it started";
  damaged();
  ASSERT_TRUE(eventually([&] {
    return run.err_so_far().find("waiting for Redis") != std::string::npos;
  })) << run.err_so_far();
  // What a person does: keep what is before the damage.
  const std::string mend = "yes | redis-check-aof --fix '" + log().string() + "' > /dev/null 2>&1";
  ASSERT_EQ(std::system(mend.c_str()), 0);
  redis().start();
  expect_recovery(20s);
  finish(run);
}

TEST_F(Redis, LoadingItsDataIsWaitedFor) {
  // Seconds of loading: every key takes a while.
  begin(40, durable({"key-load-delay 1000", "loading-process-events-interval-bytes 1024"}));
  redis().command({"EVAL", "for i=1,3000 do redis.call('SET','filler'..i,'x') end", "0"});
  Process run = start();
  ASSERT_TRUE(reached(pick(3, 8)));
  redis().kill();
  damaged();
  redis().start();  // returns when it has loaded
  EXPECT_TRUE(proxy().answered_with("LOADING"));
  expect_recovery(30s);
  finish(run);
}

TEST_F(Redis, StoppedPastEveryTimeOutIsWaitedFor) {
  begin(32);
  Process run = start();
  ASSERT_TRUE(reached(pick(3, 8)));
  redis().pause();
  damaged();
  // Past the command time-out of 10 s: every caller has given its connection up by then.
  ASSERT_TRUE(eventually(
      [&] { return run.err_so_far().find("waiting for Redis") != std::string::npos; }, 30s))
      << run.err_so_far();
  redis().resume();
  expect_recovery(40s);
  finish(run);
}

TEST_F(Redis, PausedClientsArePatient) {
  begin(32);
  Process run = start();
  ASSERT_TRUE(reached(pick(3, 8)));
  redis().command({"CLIENT", "PAUSE", "13000", "ALL"});
  damaged();
  expect_recovery(40s);
  finish(run);
}

TEST_F(Redis, OutOfMemoryIsWaitedForAndRecordingGoesOn) {
  begin(40);
  Process run = start({"--workers", "2"});
  ASSERT_TRUE(reached(pick(3, 8)));
  redis().command({"CONFIG", "SET", "maxmemory", "1"});
  ASSERT_TRUE(eventually([&] { return proxy().answered_with("OOM"); }, 30s)) << worker_logs();
  ASSERT_TRUE(eventually(
      [&] { return run.err_so_far().find("workers are waiting for Redis") != std::string::npos; },
      30s))
      << run.err_so_far();
  damaged();
  redis().command({"CONFIG", "SET", "maxmemory", "0"});
  expect_recovery(20s);
  finish(run);
}

TEST_F(Redis, ThatEvictsIsRefusedAtTheStartWithTheCure) {
  RedisOptions options;
  options.directives = {"maxmemory 100mb", "maxmemory-policy allkeys-lru"};
  begin(4, options);
  Process run = start();
  const Finished got = run.wait();
  EXPECT_EQ(got.exit_status, 3);
  EXPECT_NE(got.err.find("CONFIG SET maxmemory-policy noeviction"), std::string::npos) << got.err;
  EXPECT_EQ(results(), 0);

  redis().command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  Process cured = start();
  finish(cured);
}

TEST_F(Redis, AConnectionCutAgainAndAgainLosesNothing) {
  begin(60);
  Process run = start({"--workers", "2"});
  for (int cuts = 1; cuts <= 5; ++cuts) {
    ASSERT_TRUE(reached(cuts * 6));
    proxy().cut();
    damaged();
    expect_recovery(20s);
  }
  finish(run);
}

TEST_F(Redis, AHalfOpenConnectionIsGivenUp) {
  begin(32);
  Process run = start();
  ASSERT_TRUE(reached(pick(3, 8)));
  proxy().go_silent();
  damaged();
  expect_recovery(40s);  // the command time-out is 10 s
  finish(run);
}

}  // namespace
}  // namespace photoscribe::test
