#include "scheduler/queue/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace photoscribe {
namespace {

using redis::EntryId;
using redis::WindowEntry;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

ImageAttempt image(std::int64_t id, std::int32_t attempt = 1) { return ImageAttempt{id, attempt}; }
EntryId id(std::uint64_t ms) { return EntryId{ms, 0}; }
WindowEntry entry(std::uint64_t ms, ImageAttempt of, int deliveries = 0) {
  return WindowEntry{id(ms), of.image_id, of.attempt, deliveries, deliveries > 0};
}

TEST(PlanReconcile, ChangesNothingWhenRedisHoldsExactlyWhatIsUnfinished) {
  const std::vector<ImageAttempt> unfinished{image(1), image(2)};
  const std::vector<WindowEntry> window{entry(10, image(1), 1), entry(11, image(2))};

  const ReconcilePlan plan = plan_reconcile(unfinished, window);

  EXPECT_THAT(plan.remove, IsEmpty());
  EXPECT_THAT(plan.enqueue, IsEmpty());
}

TEST(PlanReconcile, EnqueuesAgainWhatLeftTheStreamWithoutAResult) {
  const std::vector<ImageAttempt> unfinished{image(1), image(2), image(3)};
  const std::vector<WindowEntry> window{entry(10, image(2))};

  const ReconcilePlan plan = plan_reconcile(unfinished, window);

  EXPECT_THAT(plan.enqueue, ElementsAre(image(1), image(3)));
  EXPECT_THAT(plan.remove, IsEmpty());
}

TEST(PlanReconcile, EnqueuesEverythingAfterAFlush) {
  const std::vector<ImageAttempt> unfinished{image(3), image(1), image(2)};

  const ReconcilePlan plan = plan_reconcile(unfinished, {});

  EXPECT_THAT(plan.enqueue, ElementsAre(image(3), image(1), image(2)));  // queue order is kept
}

TEST(PlanReconcile, RemovesWhatAnOlderCopyOfRedisBroughtBackAlthoughItIsFinished) {
  const std::vector<ImageAttempt> unfinished{image(2)};
  const std::vector<WindowEntry> window{entry(10, image(1), 1), entry(11, image(2)),
                                        entry(12, image(9))};

  const ReconcilePlan plan = plan_reconcile(unfinished, window);

  EXPECT_THAT(plan.remove, ElementsAre(id(10), id(12)));
  EXPECT_THAT(plan.enqueue, IsEmpty());
}

TEST(PlanReconcile, TellsAttemptsOfOneImageApart) {
  const std::vector<ImageAttempt> unfinished{image(1, 2)};
  const std::vector<WindowEntry> window{entry(10, image(1, 1), 1)};

  const ReconcilePlan plan = plan_reconcile(unfinished, window);

  EXPECT_THAT(plan.remove, ElementsAre(id(10)));
  EXPECT_THAT(plan.enqueue, ElementsAre(image(1, 2)));
}

TEST(PlanReconcile, KeepsTheMostDeliveredOfSeveralEntriesOfOneTask) {
  const std::vector<ImageAttempt> unfinished{image(1)};
  const std::vector<WindowEntry> window{entry(10, image(1)), entry(11, image(1), 2),
                                        entry(12, image(1), 1)};

  const ReconcilePlan plan = plan_reconcile(unfinished, window);

  EXPECT_THAT(plan.remove, ElementsAre(id(10), id(12)));
  EXPECT_THAT(plan.enqueue, IsEmpty());
}

TEST(PlanReconcile, KeepsTheOldestOfEquals) {
  const std::vector<ImageAttempt> unfinished{image(1)};
  const std::vector<WindowEntry> window{entry(10, image(1)), entry(11, image(1))};

  EXPECT_THAT(plan_reconcile(unfinished, window).remove, ElementsAre(id(11)));
}

TEST(PlanReconcile, PrefersAnEntryThatSomebodyHoldsToOneCarryingTheSameCount) {
  const std::vector<ImageAttempt> unfinished{image(1)};
  WindowEntry waiting = entry(10, image(1), 1);
  waiting.pending = false;  // handed back, with one delivery on its account
  const std::vector<WindowEntry> window{waiting, entry(11, image(1), 1)};

  EXPECT_THAT(plan_reconcile(unfinished, window).remove, ElementsAre(id(10)));
}

Outstanding some_outstanding() {
  Outstanding mine;
  mine.enqueued = 3;
  mine.pending = 3;
  mine.feeder_idle = true;
  mine.all_enqueued = true;
  return mine;
}

TEST(IsStranded, SeesAnEmptyRedisWithUnfinishedImages) {
  EXPECT_TRUE(is_stranded(redis::Look{}, some_outstanding()));
}

TEST(IsStranded, IsNotFooledByGhostsThatKeepTheStreamLong) {
  redis::Look look;
  look.tasks_length = 5;  // delivered, acknowledged, never deleted

  EXPECT_TRUE(is_stranded(look, some_outstanding()));
}

TEST(IsStranded, WaitsForWhatIsWaitingHeldOrUnrecorded) {
  redis::Look undelivered, held, unrecorded;
  undelivered.undelivered = true;
  held.pending = 1;
  unrecorded.results_length = 1;

  EXPECT_FALSE(is_stranded(undelivered, some_outstanding()));
  EXPECT_FALSE(is_stranded(held, some_outstanding()));
  EXPECT_FALSE(is_stranded(unrecorded, some_outstanding()));
}

TEST(IsStranded, WaitsForTheFeeder) {
  Outstanding busy = some_outstanding();
  busy.feeder_idle = false;
  Outstanding more = some_outstanding();
  more.enqueued = 0;
  more.all_enqueued = false;

  EXPECT_FALSE(is_stranded(redis::Look{}, busy));
  EXPECT_FALSE(is_stranded(redis::Look{}, more));
}

TEST(IsStranded, NoticesACountOfEnqueuedImagesThatHasDriftedToZero) {
  Outstanding drifted = some_outstanding();
  drifted.enqueued = 0;

  EXPECT_TRUE(is_stranded(redis::Look{}, drifted));
}

}  // namespace
}  // namespace photoscribe
