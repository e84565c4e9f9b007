#include <gmock/gmock.h>

#include "tests/common/redis/queue_fixture.h"

namespace photoscribe::redis {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr int kMaxDeliveries = 3;

/// "dead" holds two tasks, of which it had begun the first, and its counter stands at 5.
class ReclaimQueue : public QueueTest {
 protected:
  ReclaimQueue() {
    fill(1, 2);
    ids = ids_of(take("dead", 2));
    ok(worker_queue.beat(inc, "dead", 5));
    ok(worker_queue.start(inc, "dead", 1, {ids[0]}));
  }
  Reclaimed reclaim(EntryId id, Judged holder, std::int64_t number = 1) {
    return ok(worker_queue.reclaim(inc, "w1", number, id, std::move(holder), kMaxDeliveries));
  }
  std::string holder_of(EntryId id) {
    for (const std::string holder : {"dead", "w1", "w2"}) {
      for (const Pending& pending : ok(queue.pending_of(inc, holder, 100))) {
        if (pending.id == id) return pending.holder;
      }
    }
    return "nobody";
  }
  std::vector<EntryId> ids;
};

TEST_F(ReclaimQueue, ListsHoldersAndWorkersThatHoldNothing) {
  fill(3, 3);
  take("w2", 1);
  ok(worker_queue.beat(inc, "idle", 8));

  EXPECT_THAT(ok(queue.holders(inc)),
              UnorderedElementsAre(Holder{"dead", 2, 5}, Holder{"w2", 1, std::nullopt},
                                   Holder{"idle", 0, 8}));
}

TEST_F(ReclaimQueue, ClaimsASuspectChargesItAndMarksIt) {
  const Reclaimed reclaimed = reclaim(ids[0], {"dead", 5});

  ASSERT_EQ(reclaimed.verdict, ReclaimVerdict::claimed);
  EXPECT_EQ(reclaimed.delivery->id, ids[0]);
  EXPECT_EQ(reclaimed.delivery->task, task(1));
  EXPECT_EQ(reclaimed.delivery->deliveries, 2);
  EXPECT_EQ(holder_of(ids[0]), "w1");
  EXPECT_EQ(server.command({"HGET", key("workers"), "w1#hand"}), "1 " + to_string(ids[0]));
}

TEST_F(ReclaimQueue, H12DoesNothingWhenTheCounterMoved) {
  ok(worker_queue.beat(inc, "dead", 6));

  EXPECT_EQ(reclaim(ids[0], {"dead", 5}).verdict, ReclaimVerdict::gone);
  EXPECT_EQ(reclaim(ids[0], {"dead", std::nullopt}).verdict, ReclaimVerdict::gone);
  EXPECT_EQ(ok(queue.release_unmarked(inc, Judged{"dead", 5})), 0);
  EXPECT_FALSE(ok(queue.remove_dead_consumer(inc, Judged{"dead", 5})));
  EXPECT_THAT(ok(queue.pending_of(inc, "dead", 10)), SizeIs(2));
}

TEST_F(ReclaimQueue, H12DoesNothingWhenTheHolderChanged) {
  server.command({"XCLAIM", key("tasks"), "workers", "w2", "0", to_string(ids[0])});

  EXPECT_EQ(reclaim(ids[0], {"dead", 5}).verdict, ReclaimVerdict::gone);
  EXPECT_EQ(holder_of(ids[0]), "w2");
}

TEST_F(ReclaimQueue, JudgesAHolderWithoutACounter) {
  server.command({"HDEL", key("workers"), "dead"});

  EXPECT_EQ(reclaim(ids[0], {"dead", 5}).verdict, ReclaimVerdict::gone);
  EXPECT_EQ(reclaim(ids[0], {"dead", std::nullopt}).verdict, ReclaimVerdict::claimed);
}

TEST_F(ReclaimQueue, H10HandsBackUnchargedWhatTheDeadHolderHadNotBegun) {
  EXPECT_EQ(reclaim(ids[1], {"dead", 5}).verdict, ReclaimVerdict::handed_back);

  const auto again = take("w2", 5);
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].task, task(2));
  EXPECT_EQ(again[0].deliveries, 1);
}

TEST_F(ReclaimQueue, H10HandsBackEverythingOfAHolderThatBeganNothing) {
  fill(3, 5);
  take("early", 3);

  EXPECT_EQ(ok(queue.release_unmarked(inc, Judged{"early", std::nullopt})), 3);
  EXPECT_THAT(take("w2", 5), SizeIs(3));
}

TEST_F(ReclaimQueue, H10ReleasesUnmarkedEntriesInBulkAndLeavesMarkedOnes) {
  fill(3, 12);
  take("dead", 10);

  EXPECT_EQ(ok(queue.release_unmarked(inc, Judged{"dead", 5}, 4)), 4);
  EXPECT_EQ(ok(queue.release_unmarked(inc, Judged{"dead", 5}, 100)), 7);
  EXPECT_EQ(ok(queue.release_unmarked(inc, Judged{"dead", 5}, 100)), 0);

  const auto left = ok(queue.pending_of(inc, "dead", 100));
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left[0].id, ids[0]);
  EXPECT_THAT(take("w2", 100), SizeIs(11));
}

TEST_F(ReclaimQueue, CondemnsAtTheThirdCrashAndNotBefore) {
  ASSERT_EQ(reclaim(ids[0], {"dead", 5}).verdict, ReclaimVerdict::claimed);  // w1 dies with it
  const Reclaimed third =
      ok(worker_queue.reclaim(inc, "w2", 1, ids[0], Judged{"w1", std::nullopt}, 3));
  ASSERT_EQ(third.verdict,
            ReclaimVerdict::claimed);  // the third attempt still happens; w2 dies too
  EXPECT_EQ(third.delivery->deliveries, 3);

  EXPECT_EQ(ok(worker_queue.reclaim(inc, "w3", 1, ids[0], Judged{"w2", std::nullopt}, 3)).verdict,
            ReclaimVerdict::condemned);

  EXPECT_EQ(holder_of(ids[0]), "nobody");
  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 1);
  const auto results = ok(queue.read_results(inc, 10));
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].problem, "");
  EXPECT_EQ(results[0].batch.worker, "w2");
  const Result& result = results[0].batch.results.at(0);
  EXPECT_EQ(result.image_id, 1);
  EXPECT_EQ(result.attempt, 1);
  EXPECT_EQ(std::get<Failed>(result.outcome).reason, Reason::crashed_worker);
  EXPECT_GT(result.finished_unix_ms, 0);
}

TEST_F(ReclaimQueue, H9CountsDeliveriesChargedBeforeAHandBack) {
  ASSERT_EQ(reclaim(ids[0], {"dead", 5}).verdict, ReclaimVerdict::claimed);
  ok(worker_queue.hand_back(inc, "w1",
                            {ids[0]}));  // a clean stop in the second attempt: one is charged
  const auto again = take("w2", 1);
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].deliveries, 2);
  ok(worker_queue.start(inc, "w2", 1, ids_of(again)));

  const EntryId id = again[0].id;
  const Reclaimed third = ok(worker_queue.reclaim(inc, "w3", 1, id, Judged{"w2", std::nullopt}, 3));
  ASSERT_EQ(third.verdict, ReclaimVerdict::claimed);
  EXPECT_EQ(third.delivery->deliveries, 3);
  EXPECT_EQ(ok(worker_queue.reclaim(inc, "w4", 1, id, Judged{"w3", std::nullopt}, 3)).verdict,
            ReclaimVerdict::condemned);
}

TEST_F(ReclaimQueue, H10AReclaimExecutedLateDoesNotOverwriteANewerMark) {
  ok(worker_queue.start(inc, "w1", 9, {}));

  EXPECT_EQ(reclaim(ids[0], {"dead", 5}, 8).verdict, ReclaimVerdict::gone);
  EXPECT_EQ(holder_of(ids[0]), "dead");
}

TEST_F(ReclaimQueue, ClearsAFinishedEntryWithoutAResult) {
  server.command({"XDEL", key("tasks"), to_string(ids[0])});

  EXPECT_EQ(reclaim(ids[0], {"dead", 5}).verdict, ReclaimVerdict::gone);
  EXPECT_EQ(holder_of(ids[0]), "nobody");
  EXPECT_THAT(ok(queue.read_results(inc, 10)), IsEmpty());
}

TEST_F(ReclaimQueue, AbsentWorkersLetTheSchedulerCondemnButNeverClaim) {
  EXPECT_EQ(ok(queue.condemn(inc, ids[0], Judged{"dead", 5}, 3)).verdict, ReclaimVerdict::kept);
  EXPECT_EQ(holder_of(ids[0]), "dead");
  EXPECT_EQ(ok(queue.condemn(inc, ids[1], Judged{"dead", 5}, 3)).verdict,
            ReclaimVerdict::handed_back);
  EXPECT_EQ(ok(queue.condemn(inc, ids[0], Judged{"dead", 5}, 1)).verdict,
            ReclaimVerdict::condemned);
  EXPECT_THAT(ok(queue.read_results(inc, 10)), SizeIs(1));
}

TEST_F(ReclaimQueue, H4CondemningWithoutAResultsStreamKeepsTheTask) {
  server.command({"DEL", key("results")});

  EXPECT_EQ(error(queue.condemn(inc, ids[0], Judged{"dead", 5}, 1)), Errc::run_gone);
  EXPECT_EQ(holder_of(ids[0]), "dead");
  EXPECT_EQ(server.number({"EXISTS", key("results")}), 0);
}

TEST_F(ReclaimQueue, H8RemovesADeadConsumerOnlyWhenItHasNothingPending) {
  EXPECT_FALSE(ok(queue.remove_dead_consumer(inc, Judged{"dead", 5})));
  EXPECT_THAT(ok(queue.pending_of(inc, "dead", 10)), SizeIs(2));
  ok(worker_queue.finish(inc, ids, packed(1)));

  EXPECT_TRUE(ok(queue.remove_dead_consumer(inc, Judged{"dead", 5})));

  EXPECT_THAT(ok(queue.holders(inc)), IsEmpty());
  EXPECT_EQ(server.number({"EXISTS", key("workers")}), 0);
}

}  // namespace
}  // namespace photoscribe::redis
