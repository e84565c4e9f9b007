// A run on a replicated Redis whose master dies.
#include <chrono>
#include <cstdio>

#include "tests/end_to_end/fixture.h"
#include "tests/support/replicated_redis.h"

namespace photoscribe::test {
namespace {

using Clock = std::chrono::steady_clock;

TEST_F(EndToEnd, AFailoverLosesNothing) {
  constexpr int kPhotos = 400;
  add_photos(kPhotos);
  ReplicatedRedis set;
  Process run(run_command({"--redis", set.url(), "--rate", "100"}), folder_.path().string());
  ASSERT_TRUE(recorded(20)) << run.err_so_far();

  set.first().kill();
  const auto dead = Clock::now();
  const std::string then = count("state != 'pending'");
  ASSERT_TRUE(eventually([&] { return count("state != 'pending'") != then; }));
  std::printf("the first result came %.1f s after the master's death\n",
              std::chrono::duration<double>(Clock::now() - dead).count());

  const Finished end = run.wait();
  ASSERT_EQ(end.exit_status, 0) << end.err;
  expect_everything_once(kPhotos);
  EXPECT_EQ(set.second().command({"KEYS", "photoscribe:*"}), "[]") << "left in Redis";
}

}  // namespace
}  // namespace photoscribe::test
