#include <gmock/gmock.h>

#include "tests/common/redis/queue_fixture.h"

namespace photoscribe::redis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::string_literals;

class WorkerQueue : public QueueTest {};

TEST_F(WorkerQueue, FindsTheRunAndItsSpec) {
  EXPECT_THAT(ok(queue.list_runs()), ElementsAre(listing()));
  EXPECT_EQ(ok(queue.read_spec(inc)), spec());
}

TEST_F(WorkerQueue, SortsRunsByPriorityAndSkipsForeignLines) {
  RunListing urgent;
  urgent.incarnation = new_incarnation();
  urgent.name = "urgent";
  urgent.weight = 3;
  urgent.priority = 5;
  ok(queue.make_run(urgent, spec(), kFence));
  server.command({"HSET", "photoscribe:runs", "../../etc", "1 0 x"});
  server.command({"HSET", "photoscribe:runs", new_incarnation(), "garbage"});

  EXPECT_THAT(ok(queue.list_runs()), ElementsAre(urgent, listing()));
}

TEST_F(WorkerQueue, DeliversTasksWithAnyBytesInTheirPaths) {
  const std::string path = "a\0b\r\n\xff\xfe'\"d .jpg"s;
  std::vector<Task> tasks;
  tasks.push_back(task(7, path));
  ok(queue.enqueue(inc, kFence, tasks));

  const std::vector<Delivery> deliveries = take("w1", 10);

  ASSERT_THAT(deliveries, SizeIs(1));
  EXPECT_EQ(deliveries[0].task, tasks[0]);
  EXPECT_EQ(deliveries[0].deliveries, 1);
  EXPECT_THAT(take("w1", 10), IsEmpty());
}

TEST_F(WorkerQueue, RemovesEntriesThatAreNoTasks) {
  server.command({"XADD", key("tasks"), "*", "x", "y"});
  server.command({"XADD", key("tasks"), "*", "i", "-1", "a", "1", "r", "photos", "p", "x"});
  fill(1, 1);

  EXPECT_THAT(take("w1", 10), SizeIs(1));
  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 1);
}

TEST_F(WorkerQueue, WaitsForTasksOfSeveralRuns) {
  RunListing other = listing();
  other.incarnation = new_incarnation();
  ok(queue.make_run(other, spec(), kFence));
  std::vector<Task> tasks(3, task(1));
  ok(queue.enqueue(other.incarnation, kFence, tasks));

  const auto runs =
      ok(worker_queue.await_tasks({inc, other.incarnation}, "w1", 2, milliseconds(1000)));

  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].incarnation, other.incarnation);
  EXPECT_THAT(runs[0].tasks, SizeIs(2));
}

TEST_F(WorkerQueue, WaitsNoLongerThanAsked) {
  EXPECT_THAT(ok(worker_queue.await_tasks({inc}, "w1", 2, milliseconds(20))), IsEmpty());
}

TEST_F(WorkerQueue, SaysThatARunIsGoneWhenOneOfSeveralIs) {
  EXPECT_EQ(error(worker_queue.await_tasks({inc, new_incarnation()}, "w1", 2, milliseconds(20))),
            Errc::run_gone);
}

TEST_F(WorkerQueue, FinishPublishesAndRemovesTogether) {
  fill(1, 3);
  const auto ids = ids_of(take("w1", 2));

  ok(worker_queue.finish(inc, ids, packed(1)));

  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 1);
  EXPECT_EQ(ok(queue.look(inc)).pending, 0);
  const auto results = ok(queue.read_results(inc, 10));
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].batch.results[0].image_id, 1);
}

TEST_F(WorkerQueue, H4FinishOfADeletedRunCreatesNoKey) {
  fill(1, 1);
  const auto ids = ids_of(take("w1", 1));
  ok(queue.delete_runs({inc}));

  EXPECT_EQ(error(worker_queue.finish(inc, ids, packed(1))), Errc::run_gone);
  EXPECT_EQ(server.number({"DBSIZE"}), 0);
}

TEST_F(WorkerQueue, H4NothingCreatesAKeyAfterFlushall) {
  fill(1, 2);
  const auto ids = ids_of(take("w1", 2));
  server.flushall();

  EXPECT_EQ(error(worker_queue.read_tasks(inc, "w1", 1)), Errc::run_gone);
  EXPECT_EQ(error(worker_queue.beat(inc, "w1", 5)), Errc::run_gone);
  EXPECT_EQ(error(worker_queue.start(inc, "w1", 1, ids)), Errc::run_gone);
  EXPECT_EQ(error(worker_queue.finish(inc, ids, packed(1))), Errc::run_gone);
  EXPECT_EQ(error(worker_queue.hand_back(inc, "w1", ids)), Errc::run_gone);
  EXPECT_EQ(error(worker_queue.renew(inc, "w1", ids)), Errc::run_gone);
  EXPECT_EQ(error(worker_queue.reclaim(inc, "w1", 2, ids[0], Judged{"w2", 1}, 3)), Errc::run_gone);
  EXPECT_EQ(error(queue.release_unmarked(inc, Judged{"w2", 1})), Errc::run_gone);
  EXPECT_EQ(error(queue.holders(inc)), Errc::run_gone);
  EXPECT_EQ(error(queue.pending_of(inc, "w1", 5)), Errc::run_gone);
  EXPECT_EQ(error(queue.read_spec(inc)), Errc::run_gone);
  EXPECT_EQ(error(queue.enqueue(inc, kFence, {task(1)})), Errc::run_gone);
  EXPECT_EQ(error(queue.snapshot(inc, 12)), Errc::run_gone);
  EXPECT_EQ(error(queue.look(inc)), Errc::run_gone);
  EXPECT_EQ(error(queue.register_run(listing())), Errc::run_gone);
  ok(worker_queue.leave(inc, "w1"));
  ok(queue.forget_run(inc));
  ok(queue.remove_tasks(inc, ids));
  ok(queue.delete_results(inc, ids));
  EXPECT_TRUE(ok(queue.remove_dead_consumer(inc, Judged{"w1", std::nullopt})));
  EXPECT_THAT(ok(queue.read_results(inc, 5)), IsEmpty());
  EXPECT_EQ(server.number({"DBSIZE"}), 0);
}

TEST_F(WorkerQueue, H11BeatWithoutSpecCreatesNoKey) {
  ok(worker_queue.beat(inc, "w1", 1));
  EXPECT_EQ(server.command({"HGET", key("workers"), "w1"}), "1");
  EXPECT_GT(server.number({"TTL", key("workers")}), 6 * 24 * 3600);
  ok(queue.delete_runs({inc}));

  EXPECT_EQ(error(worker_queue.beat(inc, "w1", 2)), Errc::run_gone);
  EXPECT_EQ(server.number({"DBSIZE"}), 0);
}

TEST_F(WorkerQueue, H11TakesAListedRunWithoutSpecOffTheList) {
  ok(queue.forget_run(inc));
  EXPECT_THAT(ok(queue.list_runs()), SizeIs(1));
  server.command({"DEL", key("spec")});

  ok(queue.forget_run(inc));

  EXPECT_THAT(ok(queue.list_runs()), IsEmpty());
}

TEST_F(WorkerQueue, H10StartKeepsOnlyWhatIsStillOurs) {
  fill(1, 4);
  const auto mine = ids_of(take("w1", 2));
  const auto others = ids_of(take("w2", 2));
  std::vector<EntryId> asked = {others[1], mine[1], mine[0], others[0], EntryId{1, 1}};

  EXPECT_THAT(ok(worker_queue.start(inc, "w1", 1, asked)), ElementsAre(mine[0], mine[1]));
  EXPECT_EQ(server.command({"HGET", key("workers"), "w1#hand"}),
            "1 " + to_string(mine[0]) + " " + to_string(mine[1]));
}

TEST_F(WorkerQueue, H10StartWithALowerNumberIsIgnored) {
  fill(1, 2);
  const auto ids = ids_of(take("w1", 2));
  ok(worker_queue.start(inc, "w1", 10, {ids[1]}));

  EXPECT_THAT(ok(worker_queue.start(inc, "w1", 9, {ids[0]})), IsEmpty());
  EXPECT_EQ(server.command({"HGET", key("workers"), "w1#hand"}), "10 " + to_string(ids[1]));
}

TEST_F(WorkerQueue, H9HandBackPutsOnlyOurEntriesBackUncharged) {
  fill(1, 2);
  const auto mine = ids_of(take("w1", 1));
  const auto others = ids_of(take("w2", 1));

  EXPECT_EQ(ok(worker_queue.hand_back(inc, "w1", {mine[0], others[0]})), 1);

  const auto again = take("w3", 10);
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].task, task(1));
  EXPECT_EQ(again[0].deliveries, 1);
  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 2);
}

TEST_F(WorkerQueue, MembersOfArchivesComeWithTheirPlaceAlsoAfterAHandBack) {
  Task member = task(1);
  member.path = "2019/photos.tar!beach/a!.jpg";
  member.member = ArchiveMember{1'000'000'000'000, 15};
  Task charged = member;
  charged.image_id = 2;
  charged.deliveries = 1;
  ok(queue.enqueue(inc, kFence, {member, charged, task(3)}));

  const auto first = take("w1", 10);
  ASSERT_THAT(first, SizeIs(3));
  EXPECT_EQ(first[0].task, member);
  EXPECT_EQ(first[1].task, charged);
  EXPECT_EQ(first[2].task, task(3));
  EXPECT_EQ(ok(worker_queue.hand_back(inc, "w1", ids_of(first))), 3);

  const auto again = take("w2", 10);
  ASSERT_THAT(again, SizeIs(3));
  EXPECT_EQ(again[0].task, member);
  EXPECT_EQ(again[1].task, charged);
}

TEST_F(WorkerQueue, APlaceInAnArchiveThatIsNoneIsNoTask) {
  for (const char* const place :
       {"", "15", "15:", ":0", "-1:0", "15:-1", "14:0", "99:0", "15:0 "}) {
    server.command({"XADD", key("tasks"), "*", "i", "1", "a", "1", "r", "photos", "p",
                    "2019/photos.tar!beach/a.jpg", "m", place});
    EXPECT_THAT(take("w1", 1), IsEmpty()) << place;
  }
}

TEST_F(WorkerQueue, H9HandBackCarriesEarlierDeliveries) {
  fill(1, 1);
  const auto ids = ids_of(take("w1", 1));
  server.command({"XCLAIM", key("tasks"), "workers", "w2", "0", to_string(ids[0])});
  server.command({"XCLAIM", key("tasks"), "workers", "w3", "0", to_string(ids[0])});

  ok(worker_queue.hand_back(inc, "w3", ids));
  const auto second = take("w4", 1);
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].task.deliveries, 2);
  EXPECT_EQ(second[0].deliveries, 3);
  ok(worker_queue.hand_back(inc, "w4", ids_of(second)));

  EXPECT_EQ(take("w5", 1)[0].deliveries, 3);
}

TEST_F(WorkerQueue, H9HandBackOfFinishedTasksRevivesNothing) {
  fill(1, 1);
  const auto ids = ids_of(take("w1", 1));
  ok(worker_queue.finish(inc, ids, packed(1)));

  EXPECT_EQ(ok(worker_queue.hand_back(inc, "w1", ids)), 0);
  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 0);
}

TEST_F(WorkerQueue, H9HandBackDropsEntriesThatAreNoTasks) {
  server.command({"XADD", key("tasks"), "*", "x", "y"});
  server.command({"XREADGROUP", "GROUP", "workers", "w1", "STREAMS", key("tasks"), ">"});
  const auto held = ok(queue.pending_of(inc, "w1", 5));
  ASSERT_THAT(held, SizeIs(1));

  EXPECT_EQ(ok(worker_queue.hand_back(inc, "w1", {held[0].id})), 0);

  EXPECT_EQ(server.number({"XLEN", key("tasks")}), 0);
  EXPECT_EQ(ok(queue.look(inc)).pending, 0);
}

TEST_F(WorkerQueue, H2AWorkerWithAHungPhotoPublishesItAndLosesNoOther) {
  fill(1, 3);
  const auto ids = ids_of(take("w1", 3));
  ok(worker_queue.start(inc, "w1", 1, ids));
  ResultBatch batch;
  batch.worker = "w1";
  Failed failed;
  failed.reason = Reason::timeout;
  Result result;
  result.image_id = 2;
  result.outcome = std::move(failed);
  batch.results.push_back(std::move(result));

  ok(worker_queue.finish(inc, {ids[1]}, encode_results(batch)));
  EXPECT_EQ(ok(worker_queue.hand_back(inc, "w1", ids)), 2);

  EXPECT_THAT(ok(queue.read_results(inc, 9)), SizeIs(1));
  const auto again = take("w2", 9);
  ASSERT_THAT(again, SizeIs(2));
  EXPECT_EQ(again[0].task, task(1));
  EXPECT_EQ(again[1].task, task(3));
}

TEST_F(WorkerQueue, HandsBackMoreThanOneScriptTakes) {
  fill(1, 2500);
  const auto ids = ids_of(take("w1", 2500));

  EXPECT_EQ(ok(worker_queue.hand_back(inc, "w1", ids)), 2500);
  EXPECT_THAT(take("w2", 3000), SizeIs(2500));
}

TEST_F(WorkerQueue, H1RenewFindsWhatIsOursButNotHeldAndChargesNothing) {
  fill(1, 3);
  const auto mine = take("w1", 3);
  const std::vector<EntryId> held = {mine[0].id};

  for (int round = 0; round < 3; ++round) {
    const Renewal renewal = ok(worker_queue.renew(inc, "w1", held));
    EXPECT_THAT(renewal.lost, IsEmpty());
    ASSERT_THAT(renewal.strays, SizeIs(2));
    EXPECT_EQ(renewal.strays[0].task, task(2));
    EXPECT_EQ(renewal.strays[0].deliveries, 1);
  }
}

TEST_F(WorkerQueue, H1RenewSaysWhatIsNoLongerOurs) {
  fill(1, 2);
  const auto ids = ids_of(take("w1", 2));
  server.command({"XCLAIM", key("tasks"), "workers", "w2", "0", to_string(ids[1])});

  const Renewal renewal = ok(worker_queue.renew(inc, "w1", ids));

  EXPECT_THAT(renewal.lost, ElementsAre(ids[1]));
  EXPECT_THAT(renewal.strays, IsEmpty());
  EXPECT_THAT(ok(queue.pending_of(inc, "w2", 5)), SizeIs(1));
}

TEST_F(WorkerQueue, H1RenewClearsPendingMarksWithoutAnEntry) {
  fill(1, 1);
  const auto ids = ids_of(take("w1", 1));
  server.command({"XDEL", key("tasks"), to_string(ids[0])});

  EXPECT_THAT(ok(worker_queue.renew(inc, "w1", {})).strays, IsEmpty());
  EXPECT_EQ(ok(queue.look(inc)).pending, 0);
}

TEST_F(WorkerQueue, LeaveTakesEverySignOfAWorkerAway) {
  fill(1, 1);
  const auto ids = ids_of(take("w1", 1));
  ok(worker_queue.beat(inc, "w1", 1));
  ok(worker_queue.start(inc, "w1", 1, ids));
  ok(worker_queue.hand_back(inc, "w1", ids));

  ok(worker_queue.leave(inc, "w1"));

  EXPECT_THAT(ok(queue.holders(inc)), IsEmpty());
  EXPECT_EQ(server.number({"EXISTS", key("workers")}), 0);
}

TEST_F(WorkerQueue, LeaveKeepsAConsumerThatStillHasPendingEntries) {
  fill(1, 1);
  take("w1", 1);

  ok(worker_queue.leave(inc, "w1"));

  ASSERT_THAT(ok(queue.holders(inc)), SizeIs(1));
  EXPECT_EQ(ok(queue.look(inc)).pending, 1);
}

}  // namespace
}  // namespace photoscribe::redis
