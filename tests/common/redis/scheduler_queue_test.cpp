#include <gmock/gmock.h>

#include <chrono>

#include "tests/common/redis/queue_fixture.h"

namespace photoscribe::redis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::string_literals;

class SchedulerQueue : public QueueTest {};

constexpr std::int64_t kDay = 24 * 3600;

TEST_F(SchedulerQueue, H4MakesEveryKeyOfARunWithAnExpiry) {
  const Presence presence = ok(queue.presence(inc));

  EXPECT_TRUE(presence.complete());
  EXPECT_TRUE(presence.registered);
  EXPECT_EQ(presence.fence, kFence);
  for (const char* name : {"tasks", "results", "spec", "state"}) {
    EXPECT_GT(server.number({"TTL", key(name)}), 6 * kDay) << name;
  }
  EXPECT_EQ(server.command({"XINFO", "GROUPS", key("results")}), "[]");
}

TEST_F(SchedulerQueue, MayMakeTheSameRunAgainWhenInDoubt) {
  fill(1, 3);

  make();

  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 3);
  EXPECT_TRUE(ok(queue.presence(inc)).complete());
}

TEST_F(SchedulerQueue, SaysWhichKeysOfARunAreLost) {
  server.command({"DEL", key("spec")});
  EXPECT_FALSE(ok(queue.presence(inc)).spec);
  server.command({"XGROUP", "DESTROY", key("tasks"), "workers"});
  EXPECT_TRUE(ok(queue.presence(inc)).tasks);
  EXPECT_FALSE(ok(queue.presence(inc)).group);
  server.command({"DEL", key("tasks"), key("results"), key("state"), "photoscribe:runs"});

  const Presence presence = ok(queue.presence(inc));

  EXPECT_FALSE(presence.tasks || presence.results || presence.registered || presence.fence);
}

TEST_F(SchedulerQueue, WritesALostRegistrationAgain) {
  server.command({"DEL", "photoscribe:runs"});
  EXPECT_FALSE(ok(queue.look(inc)).registered);

  ok(queue.register_run(listing()));

  EXPECT_THAT(ok(queue.list_runs()), ElementsAre(listing()));
}

TEST_F(SchedulerQueue, H7EnqueueUnderAnOldFenceAddsNothing) {
  ok(queue.snapshot(inc, kFence + 1));

  EXPECT_EQ(ok(queue.enqueue(inc, kFence, {task(1)})), EnqueueOutcome::fenced_off);
  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 0);
  EXPECT_EQ(ok(queue.enqueue(inc, kFence + 1, {task(1)})), EnqueueOutcome::all);
}

TEST_F(SchedulerQueue, H7SnapshotShowsAFenceThatSomeoneElseWrote) {
  EXPECT_EQ(ok(queue.snapshot(inc, 18446744073709551615ULL)).previous_fence, kFence);
  EXPECT_EQ(ok(queue.snapshot(inc, 7)).previous_fence, 18446744073709551615ULL);
}

TEST_F(SchedulerQueue, H4EnqueueWithoutTheStreamCreatesNoKey) {
  server.command({"DEL", key("tasks")});

  EXPECT_EQ(error(queue.enqueue(inc, kFence, {task(1)})), Errc::run_gone);
  EXPECT_EQ(server.number({"EXISTS", key("tasks")}), 0);
}

TEST_F(SchedulerQueue, EnqueuesMoreThanOneScriptTakesInOrder) {
  fill(1, 2345);

  const auto deliveries = take("w1", 5000);

  ASSERT_THAT(deliveries, SizeIs(2345));
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    ASSERT_EQ(deliveries[i].task.image_id, static_cast<std::int64_t>(i + 1));
  }
}

TEST_F(SchedulerQueue, SnapshotTellsWaitingFromPendingFromGhosts) {
  fill(1, 5);
  const auto mine = ids_of(take("w1", 3));                                // 1 2 3 pending, 4 5 wait
  server.command({"XDEL", key("tasks"), to_string(mine[1])});             // 2 dangles
  server.command({"XACK", key("tasks"), "workers", to_string(mine[2])});  // 3 is a ghost
  const std::string foreign = server.command({"XADD", key("tasks"), "*", "x", "y"});

  const Snapshot snapshot = ok(queue.snapshot(inc, 12));

  ASSERT_THAT(snapshot.window, SizeIs(3));
  EXPECT_EQ(snapshot.window[0].image_id, 1);
  EXPECT_TRUE(snapshot.window[0].pending);
  EXPECT_EQ(snapshot.window[0].deliveries, 1);
  EXPECT_EQ(snapshot.window[1].image_id, 4);
  EXPECT_FALSE(snapshot.window[1].pending);
  EXPECT_EQ(snapshot.window[1].deliveries, 0);
  EXPECT_THAT(snapshot.ghosts, ElementsAre(mine[2], *parse_entry_id(foreign)));
  EXPECT_THAT(snapshot.dangling, ElementsAre(mine[1]));
  EXPECT_TRUE(snapshot.registered);

  ok(queue.remove_tasks(inc, snapshot.ghosts));
  ok(queue.remove_tasks(inc, snapshot.dangling));
  EXPECT_EQ(ok(queue.look(inc)).tasks_length, 3);
  EXPECT_EQ(ok(queue.look(inc)).pending, 1);
}

TEST_F(SchedulerQueue, H5SnapshotTellsAttemptsOfAnImageApart) {
  Task again = task(1);
  again.attempt = 2;
  ok(queue.enqueue(inc, kFence, {task(1), again}));

  const Snapshot snapshot = ok(queue.snapshot(inc, 12));

  ASSERT_THAT(snapshot.window, SizeIs(2));
  EXPECT_EQ(snapshot.window[0].attempt, 1);
  EXPECT_EQ(snapshot.window[1].attempt, 2);
}

TEST_F(SchedulerQueue, H6SnapshotShowsWhichOfTwoDuplicatesIsMostDelivered) {
  Task charged = task(1);
  charged.deliveries = 2;
  ok(queue.enqueue(inc, kFence, {task(1), charged}));
  take("w1", 1);

  const Snapshot snapshot = ok(queue.snapshot(inc, 12));

  ASSERT_THAT(snapshot.window, SizeIs(2));
  EXPECT_EQ(snapshot.window[0].deliveries, 1);
  EXPECT_EQ(snapshot.window[1].deliveries, 2);
  ok(queue.remove_tasks(inc, {snapshot.window[0].id}));
  EXPECT_EQ(ok(queue.look(inc)).tasks_length, 1);
  EXPECT_EQ(take("w2", 1)[0].deliveries, 3);
}

TEST_F(SchedulerQueue, SnapshotOfARunWithoutGroupIsARunGone) {
  server.command({"XGROUP", "DESTROY", key("tasks"), "workers"});

  EXPECT_EQ(error(queue.snapshot(inc, 12)), Errc::run_gone);
  EXPECT_EQ(error(queue.look(inc)), Errc::run_gone);
}

TEST_F(SchedulerQueue, H8LookSeesThroughGhosts) {
  EXPECT_TRUE(ok(queue.look(inc)).is_empty());
  fill(1, 1);
  EXPECT_TRUE(ok(queue.look(inc)).undelivered);
  const auto ids = ids_of(take("w1", 1));
  EXPECT_EQ(ok(queue.look(inc)).pending, 1);
  EXPECT_FALSE(ok(queue.look(inc)).is_empty());
  server.command({"XGROUP", "DELCONSUMER", key("tasks"), "workers", "w1"});

  const Look look = ok(queue.look(inc));

  EXPECT_EQ(look.tasks_length, 1);  // a ghost
  EXPECT_TRUE(look.is_empty());
}

TEST_F(SchedulerQueue, LookRenewsTheExpiryOfEveryKey) {
  ok(worker_queue.beat(inc, "w1", 1));
  for (const char* name : {"tasks", "results", "spec", "state", "workers"}) {
    server.command({"EXPIRE", key(name), "100"});
  }

  ok(queue.look(inc));

  for (const char* name : {"tasks", "results", "spec", "state", "workers"}) {
    EXPECT_GT(server.number({"TTL", key(name)}), 6 * kDay) << name;
  }
}

TEST_F(SchedulerQueue, H3ReadsResultsFromTheFirstEntryUntilTheyAreDeleted) {
  fill(1, 3);
  const auto ids = ids_of(take("w1", 3));
  for (std::size_t i = 0; i < 3; ++i) {
    ok(worker_queue.finish(inc, {ids[i]}, packed(static_cast<std::int64_t>(i + 1))));
  }

  const auto first = ok(queue.read_results(inc, 2));
  EXPECT_THAT(first, SizeIs(2));
  const auto again = ok(queue.read_results(inc, 2));
  ASSERT_THAT(again, SizeIs(2));
  EXPECT_EQ(again[0].id, first[0].id);
  EXPECT_THAT(ok(queue.read_results(inc, 9, again[1].id)), SizeIs(1));

  const auto last = ok(queue.last_result(inc));
  ASSERT_TRUE(last);
  ok(queue.delete_results(inc, {again[0].id, again[1].id}));

  const auto rest = ok(queue.read_results(inc, 9));
  ASSERT_THAT(rest, SizeIs(1));
  EXPECT_EQ(rest[0].id, *last);
  EXPECT_EQ(rest[0].batch.results[0].image_id, 3);
}

TEST_F(SchedulerQueue, WaitsForResultsNoLongerThanAsked) {
  EXPECT_THAT(ok(queue.read_results(inc, 2, {}, milliseconds(20))), IsEmpty());
  EXPECT_EQ(ok(queue.last_result(inc)), std::nullopt);
}

TEST_F(SchedulerQueue, KeepsResultsThatCannotBeParsedForTheQuarantine) {
  server.command({"XADD", key("results"), "*", "b", "nonsense\0"s});
  server.command({"XADD", key("results"), "*", "i", "1", "a", "0", "c", "3", "w", "w1"});
  server.command({"XADD", key("results"), "*", "x", "1"});

  const auto results = ok(queue.read_results(inc, 9));

  ASSERT_THAT(results, SizeIs(3));
  EXPECT_THAT(results[0].problem, HasSubstr("format"));
  EXPECT_EQ(results[0].raw, "b=nonsense\0\n"s);
  EXPECT_THAT(results[1].problem, HasSubstr("neither"));
  EXPECT_EQ(results[2].raw, "x=1\n");
}

TEST_F(SchedulerQueue, H11DeletesPastIncarnationsWhole) {
  fill(1, 2);
  take("w1", 1);
  ok(worker_queue.beat(inc, "w1", 1));
  RunListing other = listing();
  other.incarnation = new_incarnation();
  ok(queue.make_run(other, spec(), kFence));

  ok(queue.delete_runs({inc, new_incarnation(), other.incarnation}));
  ok(queue.delete_runs({inc}));

  EXPECT_EQ(server.number({"DBSIZE"}), 0);
}

TEST_F(SchedulerQueue, SurvivesScriptFlush) {
  fill(1, 2);
  server.command({"SCRIPT", "FLUSH"});
  fill(3, 4);
  server.command({"SCRIPT", "FLUSH"});

  EXPECT_EQ(ok(queue.look(inc)).tasks_length, 4);
}

TEST_F(SchedulerQueue, OutOfMemoryIsTransient) {
  server.command({"CONFIG", "SET", "maxmemory", "1"});

  EXPECT_EQ(error(queue.enqueue(inc, kFence, {task(1)})), Errc::redis_unavailable);
  EXPECT_EQ(error(worker_queue.finish(inc, {EntryId{1, 1}}, packed(1))), Errc::redis_unavailable);
  RunListing other = listing();
  other.incarnation = new_incarnation();
  EXPECT_EQ(error(queue.make_run(other, spec(), kFence)), Errc::redis_unavailable);

  server.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(ok(queue.enqueue(inc, kFence, {task(1)})), EnqueueOutcome::all);
}

class DurableQueue : public QueueTest {
 protected:
  DurableQueue() : QueueTest({.aof = true}) {}
};

TEST_F(DurableQueue, IsThereAgainAfterTheServerWasKilled) {
  fill(1, 3);
  const auto ids = ids_of(take("w1", 2));
  ok(worker_queue.finish(inc, {ids[0]}, packed(1)));

  server.restart();

  EXPECT_EQ(error(queue.look(inc)), Errc::redis_unavailable);
  ASSERT_TRUE(test::run(io, connection.connect()));
  EXPECT_TRUE(ok(queue.presence(inc)).complete());
  EXPECT_THAT(ok(queue.snapshot(inc, 12)).window, SizeIs(2));
  EXPECT_THAT(ok(queue.read_results(inc, 9)), SizeIs(1));
}

}  // namespace
}  // namespace photoscribe::redis
