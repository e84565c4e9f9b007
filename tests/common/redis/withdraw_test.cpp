// withdraw(): what a pause takes out of Redis, and what it leaves.
#include <gmock/gmock.h>

#include "tests/common/redis/queue_fixture.h"

namespace photoscribe::redis {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class Withdraw : public QueueTest {};

TEST_F(Withdraw, TakesWaitingAndPrefetchedTasksAndLeavesWhatIsInHand) {
  fill(1, 10);
  const auto read = take("w1", 4);
  ok(worker_queue.start(inc, "w1", 1, {read[0].id}));

  const Withdrawn out = ok(queue.withdraw(inc, kFence));

  EXPECT_EQ(out.tasks, 9);
  EXPECT_THAT(out.charged, IsEmpty());
  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 1);
  const auto left = ok(queue.pending_of(inc, "w1", 10));
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left[0].id, read[0].id);
  // The worker drops at its next START what was taken from it.
  EXPECT_THAT(ok(worker_queue.start(inc, "w1", 2, ids_of(read))), SizeIs(1));
}

TEST_F(Withdraw, StopsAtTheCountGiven) {
  fill(1, 10);
  take("w1", 5);

  EXPECT_EQ(ok(queue.withdraw(inc, kFence, 4)).tasks, 4);
  EXPECT_EQ(ok(queue.withdraw(inc, kFence, 4)).tasks, 4);
  EXPECT_EQ(ok(queue.withdraw(inc, kFence, 4)).tasks, 2);
  EXPECT_EQ(ok(queue.withdraw(inc, kFence, 4)).tasks, 0);
  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 0);
}

TEST_F(Withdraw, TellsHowOftenATaskWasInSomebodysHand) {
  Task suspect = task(7);
  suspect.deliveries = 2;
  ASSERT_EQ(ok(queue.enqueue(inc, kFence, {suspect, task(8)})), EnqueueOutcome::all);

  const Withdrawn out = ok(queue.withdraw(inc, kFence));

  EXPECT_EQ(out.tasks, 2);
  ASSERT_THAT(out.charged, SizeIs(1));
  EXPECT_EQ(out.charged[0].image_id, 7);
  EXPECT_EQ(out.charged[0].deliveries, 2);
}

TEST_F(Withdraw, DoesNothingUnderAnothersFenceOrWithoutTheRun) {
  fill(1, 3);

  EXPECT_TRUE(ok(queue.withdraw(inc, kFence + 1)).fenced_off);
  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 3);
  server.command({"DEL", key("spec")});
  EXPECT_EQ(error(queue.withdraw(inc, kFence)), Errc::run_gone);
}

}  // namespace
}  // namespace photoscribe::redis
