// Stops, second signals, workers that do not fit, and clocks that jump.
#include <signal.h>

#include <filesystem>

#include "tests/chaos/chaos.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;

class Operator : public Chaos {
 protected:
  /// A worker of its own, as on another host.
  Process start_worker(const std::string& model_folder) const {
    return Process(
        {PHOTOSCRIBE_CHAOS_WORKER, "--redis", proxy().url(), "--root", "photos=" + photos(),
         "--model", model_folder, "--devices", "cpu", "--batch", "4"},
        folder_.path().string());
  }
};

TEST_F(Operator, SigtermHandsWorkBackAtOnceAndAnotherWorkerHasIt) {
  begin(12);
  // The second looks for runs, and then stands still until the first has all twelve.
  Process second = start_worker(model());
  ASSERT_TRUE(eventually([&] { return proxy().seen(Step::list) > 0; }));
  second.signal(SIGSTOP);
  set_faults("network slow *\n");
  Process run = start({"--workers", "0"});
  Process first = start_worker(model());
  ASSERT_TRUE(eventually([&] { return proxy().seen(Step::start) > 0; }));
  second.signal(SIGCONT);
  ASSERT_TRUE(eventually([&] {
    return second.err_so_far().find("joined run") != std::string::npos;
  })) << second.err_so_far();
  const int reads = proxy().seen(Step::read);

  first.signal(SIGTERM);
  damaged();
  ASSERT_TRUE(eventually([&] { return proxy().seen(Step::hand_back) > 0; }))
      << "its lease had to run out";
  ASSERT_TRUE(eventually([&] { return proxy().seen(Step::read) > reads; }));
  EXPECT_EQ(first.wait().exit_status, 0);
  finish(run);
  second.signal(SIGTERM);
  EXPECT_EQ(second.wait().exit_status, 0);
}

TEST_F(Operator, ASecondSignalStopsHardAndLosesNothing) {
  begin(24);
  set_faults("network hang 2 once\n");
  {
    Process run = start({"--workers", "1"});
    ASSERT_TRUE(reached(1));
    ASSERT_TRUE(eventually([&] { return struck(0); }));
    run.signal(SIGINT);
    ASSERT_TRUE(eventually(
        [&] { return run.err_so_far().find("again to stop at once") != std::string::npos; }));
    run.signal(SIGINT);
    EXPECT_EQ(run.wait().exit_status, 130) << "what hangs is not waited for";
  }
  set_faults("");
  damaged();
  Process again = start();
  expect_recovery(20s);
  finish(again);
}

TEST_F(Operator, AWorkerWithAnotherModelDoesNotJoinAndSaysSo) {
  begin(24);
  const std::string other = folder_.file("other-model");
  ASSERT_EQ(test::run({std::string(PHOTOSCRIBE_BIN_DIR) + "/photoscribe-train", "init", "--output",
                       other, "--seed", "8"},
                      folder_.path().string())
                .exit_status,
            0);
  Process stranger = start_worker(other);
  Process run = start({"--workers", "0"});
  ASSERT_TRUE(eventually([&] {
    return stranger.err_so_far().find("not joining run") != std::string::npos;
  })) << stranger.err_so_far();
  EXPECT_NE(stranger.err_so_far().find("model"), std::string::npos);
  EXPECT_EQ(results(), 0);
  Process fitting = start_worker(model());
  finish(run);
  EXPECT_EQ(stranger.err_so_far().find("joined run"), std::string::npos);
  for (Process* const worker : {&stranger, &fitting}) {
    worker->signal(SIGTERM);
    EXPECT_EQ(worker->wait().exit_status, 0);
  }
}

/// An hour ahead, an hour behind, and right again, with a worker killed under each clock.
class ClockJumps : public Operator {
 protected:
  void jump_and_kill(const Orders& orders, Process& run) {
    int then = 4;
    for (const int hours : {+1, -1, 0}) {
      ASSERT_TRUE(reached(then));
      orders->clock_offset_s = hours * 3'600;
      const std::vector<pid_t> all = workers();
      ASSERT_FALSE(all.empty());
      ::kill(all.front(), SIGKILL);
      damaged();
      expect_recovery(20s);
      then = results() + 8;
    }
    finish(run);
  }
};

TEST_F(ClockJumps, OfRedisTakeNoLeaseAndGiveNone) {
  Orders orders(folder_.file("orders"));
  {
    const Environment preload("LD_PRELOAD", PHOTOSCRIBE_CHAOS_PRELOAD);
    const Environment file(kPreloadVariable, orders.file());
    begin(100);
  }
  orders->clock_offset_s = 3'600;
  const std::string time = redis().command({"TIME"});
  EXPECT_GT(std::stoll(time.substr(1)), ::time(nullptr) + 3'000) << "its clock did not jump";
  orders->clock_offset_s = 0;
  Process run = start({"--workers", "2"});
  jump_and_kill(orders, run);
}

TEST_F(ClockJumps, OfSchedulerAndWorkersTakeNoLeaseAndGiveNone) {
  begin(100);
  Orders orders(folder_.file("orders"));
  const Environment preload("LD_PRELOAD", PHOTOSCRIBE_CHAOS_PRELOAD);
  const Environment file(kPreloadVariable, orders.file());
  Process run = start({"--workers", "2"});
  jump_and_kill(orders, run);
  const std::string span =
      query_one(database(), "SELECT max(finished_unix_ms) - min(finished_unix_ms) FROM result");
  EXPECT_GT(std::stoll(span), 3'600'000) << "their clocks did not jump";
}

}  // namespace
}  // namespace photoscribe::test
