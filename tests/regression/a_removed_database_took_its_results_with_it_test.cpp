// Reported: a database that was removed or replaced during a run took all results with it, and the
// run ended as a success.
#include <filesystem>

#include "scheduler/run/run_batch.h"
#include "tests/scheduler/run/run_batch_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::HasSubstr;

TEST_F(RunBatch, LosesNothingWhenItsDatabaseIsTakenAwayUnderIt) {
  add_photos(0, 600);
  const std::string database = folder_.file("archive.db");
  watcher_.act = [&](const RunProgress& now) {
    if (now.done < 20) return;
    std::filesystem::remove(database);
    hurry();
  };
  StopHandle stop;

  const auto lost = run_batch(slow_request(), watcher_, stop);

  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::store_failure);
  EXPECT_THAT(lost.error().message, HasSubstr(database + ".rescued"));
  watcher_.act = nullptr;
  std::filesystem::rename(database + ".rescued", database);
  const RunSummary summary = run(request());
  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.total, 600);
  EXPECT_EQ(summary.pending, 0);
  // What was done before was not done again.
  EXPECT_LE(summary.done_now + summary.blurred_now + summary.failed_now, 580);
}

}  // namespace
}  // namespace photoscribe::test
