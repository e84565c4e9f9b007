// Reported: another program's value under a key of the run stopped the run for good (WRONGTYPE).
#include "tests/scheduler/queue/watch_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class WrongType : public Watch, public ::testing::WithParamInterface<const char*> {};

TEST_P(WrongType, Issue13OfAKeyOfTheRunIsHealedByANewIncarnation) {
  make_archive(200);
  add_worker(acting_at(60, [&] {
    server_.command({"DEL", key(GetParam())});
    server_.command({"SET", key(GetParam()), "another program's"});
    if (GetParam() == std::string("spec")) {
      server_.command({"DEL", key("spec")});
      server_.command({"LPUSH", key("spec"), "another program's"});
    }
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_THAT(events_, Contains(HasSubstr("lost this run's data")));
  expect_everything_done(200);
}

INSTANTIATE_TEST_SUITE_P(Keys, WrongType,
                         ::testing::Values("spec", "tasks", "results", "state", "workers"));

}  // namespace
}  // namespace photoscribe::test
