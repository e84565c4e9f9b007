// Reported: an eviction policy that somebody switched on during a run cost tasks again and again,
// and no message named it.
#include "tests/scheduler/queue/watch_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

TEST_F(Watch, Issue13NamesAnEvictionPolicyThatIsSwitchedOnInMidRunAsTheCause) {
  make_archive(200);
  add_worker(acting_at(60, [&] {
    server_.command({"CONFIG", "SET", "maxmemory", "500mb"});
    server_.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
    server_.command({"DEL", key("tasks")});  // as the policy would
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_THAT(events_, Contains(AllOf(HasSubstr("lost this run's data"), HasSubstr("allkeys-lru"),
                                      HasSubstr("maxmemory-policy noeviction"))));
  server_.command({"DEL", "photoscribe:fleet"});
  expect_everything_done(200);
}

}  // namespace
}  // namespace photoscribe::test
