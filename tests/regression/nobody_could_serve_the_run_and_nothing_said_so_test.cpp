// Reported: with workers of another model, or without the run's root, a run waited for ever and
// `doctor` found all well.
#include "tests/scheduler/queue/watch_fixture.h"

namespace photoscribe::test {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

TEST_F(Watch, Issue13SaysWithinALeaseThatNobodyCanServeTheRunAndWhatEachWorkerLacks) {
  make_archive(20);
  report("w1", 'b');
  const auto began = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration told{};
  once_told("no worker can process", [&] {
    told = std::chrono::steady_clock::now() - began;
    add_worker();
  });

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_LT(told, milliseconds(100 * kLeaseMs));  // a busy machine; by design within one
  EXPECT_THAT(events_, Contains(AllOf(HasSubstr("no worker can process the photos of this run"),
                                      HasSubstr("w1 (host gpu7"),
                                      HasSubstr("the run asks for the model aaaaaaaaaaaa"))));
}

}  // namespace
}  // namespace photoscribe::test
