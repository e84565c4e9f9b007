// How a scheduler treats a server whose keys are another program's.
#include "tests/scheduler/queue/watch_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::HasSubstr;

TEST_F(Watch, RefusesAServerWhoseListOfRunsIsAnotherPrograms) {
  make_archive(20);
  server_.command({"SET", "photoscribe:runs", "another program's"});
  make_scheduler();

  const Expected<SchedulerEnd> end = run(io_, scheduler_->run());

  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::redis_refused);
  EXPECT_THAT(end.error().message, HasSubstr("another program"));
}

}  // namespace
}  // namespace photoscribe::test
