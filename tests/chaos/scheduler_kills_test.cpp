// SIGKILL of the scheduler around its transaction, of Redis, and of everything at once; and the
// same command again.
#include <signal.h>

#include "tests/chaos/chaos.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;

class Scheduler : public Chaos {
 protected:
  void expect_killed(Process& run) { EXPECT_EQ(run.wait().exit_status, 128 + SIGKILL); }
};

TEST_F(Scheduler, KilledBeforeItRecordsLosesNothing) {
  begin(32);
  {
    Process run = start();
    ASSERT_TRUE(reached(4));
    proxy().kill_at(Step::take_results, Moment::after, pick(1, 2));
    expect_killed(run);
  }
  damaged();
  Process again = start();
  expect_recovery(20s);
  finish(again);
}

TEST_F(Scheduler, KilledInsideItsTransactionLosesNothingAndKeepsNoHalf) {
  begin(32);
  Orders orders(folder_.file("orders"));
  {
    const Environment preload("LD_PRELOAD", PHOTOSCRIBE_CHAOS_PRELOAD);
    const Environment file(kPreloadVariable, orders.file());
    Process run = start();
    ASSERT_TRUE(reached(4));
    // A commit of results is several pages: one of them is cut in half.
    orders->kill_at_write = orders->wal_writes + pick(2, 8);
    expect_killed(run);
  }
  damaged();
  Process again = start();
  expect_recovery(20s);
  finish(again);
}

TEST_F(Scheduler, KilledAfterItRecordedRecordsNothingTwice) {
  begin(32);
  {
    Process run = start();
    ASSERT_TRUE(reached(4));
    proxy().kill_at(Step::delete_results, Moment::before, pick(1, 2));
    expect_killed(run);
  }
  EXPECT_NE(redis().command({"KEYS", "photoscribe*results"}), "[]") << "its results wait in Redis";
  damaged();
  Process again = start();
  expect_recovery(20s);
  finish(again);
  EXPECT_EQ(done_again(), 0);
}

TEST_F(Scheduler, KilledWithRedisAndWorkersAtOnceLosesNothing) {
  RedisOptions options;
  options.aof = true;
  begin(32, options);
  {
    Process run = start({"--workers", "2"});
    ASSERT_TRUE(reached(pick(4, 10)));
    for (const pid_t worker : workers()) ::kill(worker, SIGKILL);
    run.signal(SIGKILL);
    redis().kill();
    expect_killed(run);
  }
  redis().start();
  damaged();
  Process again = start({"--workers", "2"});
  expect_recovery(20s);
  finish(again);
}

TEST_F(Scheduler, HandsOverToASecondOneWhenItDies) {
  begin(40);
  Process first = start();
  ASSERT_TRUE(reached(4));
  {
    Process refused = start();
    const Finished got = refused.wait();
    EXPECT_EQ(got.exit_status, 3);
    EXPECT_NE(got.err.find("is being written by process " + std::to_string(first.pid())),
              std::string::npos)
        << got.err;
  }
  first.signal(SIGKILL);
  expect_killed(first);
  damaged();
  Process second = start();
  expect_recovery(20s);
  finish(second);
}

}  // namespace
}  // namespace photoscribe::test
