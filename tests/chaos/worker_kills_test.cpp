// SIGKILL of a worker at every stage of its work, by exact step and not by luck.
#include <signal.h>

#include "tests/chaos/chaos.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;

struct Stage {
  const char* name;
  Step step;
  Moment moment;
};

void PrintTo(const Stage& stage, std::ostream* out) { *out << stage.name; }

class WorkerKilled : public Chaos, public ::testing::WithParamInterface<Stage> {};

TEST_P(WorkerKilled, AtAnyStepLosesNothingAndBlamesNobody) {
  // Far more than a worker holds (16 in hand, 16 read ahead), so that its successor reads twice.
  begin(120);
  // Armed before its first read; the second kill meets the worker that takes the first one's place.
  proxy().kill_at(GetParam().step, GetParam().moment, pick(1, 2));
  Process run = start();
  for (int kills = 1; kills <= 2; ++kills) {
    ASSERT_TRUE(eventually([&] { return std::ssize(proxy().kills()) == kills; }))
        << "that step did not come";
    damaged();
    if (kills == 1) proxy().kill_at(GetParam().step, GetParam().moment, pick(1, 2));
  }
  expect_recovery(20s);
  finish(run);
  EXPECT_EQ(done_again(), 0) << "a kill costs what was in hand, and that was not finished";
}

INSTANTIATE_TEST_SUITE_P(Steps, WorkerKilled,
                         ::testing::Values(Stage{"AfterRead", Step::read, Moment::after},
                                           Stage{"AfterClaim", Step::start, Moment::after},
                                           Stage{"BeforeFinish", Step::finish, Moment::before},
                                           Stage{"AfterFinish", Step::finish, Moment::after}),
                         [](const auto& stage) { return std::string(stage.param.name); });

class Worker : public Chaos {};

TEST_F(Worker, KilledWhileDecodingLosesNothingAndBlamesNobody) {
  begin(32);
  set_faults("decoding kill photo-00" + std::to_string(pick(10, 15)) + ".jpg once\n" +
             "decoding kill photo-00" + std::to_string(pick(16, 31)) + ".jpg once\n");
  Process run = start();
  for (int fault = 0; fault < 2; ++fault) {
    ASSERT_TRUE(eventually([&] { return struck(fault); }));
    damaged();
    expect_recovery(20s);
  }
  finish(run);
}

TEST_F(Worker, KilledInTheNetworkLosesNothingAndBlamesNobody) {
  begin(32);
  set_faults("network kill " + std::to_string(pick(1, 4)) + " once\nnetwork kill 2 once\n");
  Process run = start();
  ASSERT_TRUE(eventually([&] { return struck(0) && struck(1); }));
  damaged();
  expect_recovery(20s);
  finish(run);
}

}  // namespace
}  // namespace photoscribe::test
