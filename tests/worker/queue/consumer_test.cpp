#include "tests/support/blur_scores.h"
#include "tests/worker/queue/captured_log.h"
#include "tests/worker/queue/consumer_fixture.h"

namespace photoscribe {
namespace {

using redis::Delivery;
using redis::EntryId;
using testing::Each;
using testing::Pair;

class ConsumerWork : public ConsumerTest {};

TEST_F(ConsumerWork, GivesEveryTaskOneResultAndLeavesNothing) {
  const auto run = make_run(120);
  RunningWorker one = worker();

  const auto all = await_results(run, 120);

  EXPECT_EQ(all.at(7), "value 107");
  EXPECT_EQ(one.stop().code, kExitStopped);
  EXPECT_EQ(tasks_left(run), 0);
  EXPECT_EQ(pending(run), 0);
  EXPECT_TRUE(ok(queue.holders(run)).empty()) << "it left: no consumer, no beat";
}

TEST_F(ConsumerWork, PublishesBlurredAndFailedPhotosToo) {
  const auto run = make_run(30);
  RunningWorker one = worker([](const Task& task) -> LoadOutcome {
    LoadedPhoto blurred;
    blurred.blur_scores = test::every_mode(4);
    if (task.image_id % 3 == 1) return blurred;
    if (task.image_id % 3 == 2) return LoadFailed{{Reason::truncated, "cut"}, {}, {}};
    return clear_photo(task);
  });

  const auto all = await_results(run, 30);

  EXPECT_EQ(all.at(1), "blurred");
  EXPECT_EQ(all.at(2), "truncated");
  EXPECT_EQ(all.at(3), "value 103");
  EXPECT_EQ(device.images, 10) << "only clear photos go to the device";
}

TEST_F(ConsumerWork, SharesARunAmongWorkers) {
  const auto run = make_run(200);
  RunningWorker one = worker(), two = worker(), three = worker();

  (void)await_results(run, 200);

  EXPECT_EQ(tasks_left(run), 0);
}

TEST_F(ConsumerWork, ServesSeveralRuns) {
  const auto first = make_run(60);
  const auto second = make_run(40);
  RunningWorker one = worker();

  EXPECT_EQ(await_results(first, 60).size(), 60U);
  EXPECT_EQ(await_results(second, 40).size(), 40U);
}

TEST_F(ConsumerWork, TakesUpARunThatBeginsLater) {
  RunningWorker one = worker();
  const auto run = make_run(5);

  EXPECT_EQ(await_results(run, 5).size(), 5U);
  enqueue(run, 6, 9);
  EXPECT_EQ(await_results(run, 9).size(), 9U);
}

TEST_F(ConsumerWork, DoesNotJoinWhatItCannotServe) {
  RunSpec other_model = spec(), other_root = spec(), other_version = spec();
  other_model.settings.model_hash = std::string(64, 'b');
  other_root.roots = {"photos", "elsewhere"};
  other_version.settings.preprocessing_version = 99;
  const auto a = make_run(3, other_model);
  const auto b = make_run(3, other_root);
  const auto c = make_run(3, other_version);
  const auto good = make_run(3);
  RunningWorker one = worker();

  (void)await_results(good, 3);
  enqueue(good, 4, 6);
  (void)await_results(good, 6);

  for (const auto& run : {a, b, c}) {
    EXPECT_TRUE(results(run).empty());
    EXPECT_TRUE(ok(queue.holders(run)).empty()) << "not one task was taken";
  }
}

TEST_F(ConsumerWork, HandsEverythingBackAtAStop) {
  const auto run = make_run(50);
  Gate gate;
  device.on_call = [&gate](std::size_t) { gate.pass(); };
  RunningWorker one = worker();
  ASSERT_TRUE(eventually([&] { return gate.waiting() == 1; }));

  auto ending = std::async(std::launch::async, [&] { return one.stop(); });
  // At once: long before the batch in the network is done.
  EXPECT_TRUE(eventually([&] { return pending(run) <= 4; }));
  gate.open();

  EXPECT_EQ(ending.get().code, kExitStopped);
  EXPECT_EQ(pending(run), 0);
  const auto done = results(run);
  EXPECT_LE(done.size(), 4U);
  const auto rest = ok(worker_queue.read_tasks(run, "next", 100));
  EXPECT_EQ(rest.size() + done.size(), 50U);
  for (const auto& delivery : rest) EXPECT_EQ(delivery.deliveries, 1) << "nobody is charged";
}

TEST_F(ConsumerWork, HandsBackEvenTheBatchInTheNetworkWhenTimeIsUp) {
  const auto run = make_run(10);
  Gate gate;
  device.on_call = [&gate](std::size_t) { gate.pass(); };
  RunningWorker one = worker();
  ASSERT_TRUE(eventually([&] { return gate.waiting() == 1; }));

  EXPECT_EQ(one.stop(50ms).code, kExitStopped);

  EXPECT_EQ(pending(run), 0);
  EXPECT_TRUE(results(run).empty());
  EXPECT_EQ(tasks_left(run), 10);
  gate.open();
}

TEST_F(ConsumerWork, DropsARunThatIsDeletedUnderIt) {
  const auto run = make_run(30);
  Gate gate;
  device.on_call = [&gate](std::size_t) { gate.pass(); };
  RunningWorker one = worker();
  ASSERT_TRUE(eventually([&] { return gate.waiting() == 1; }));

  ok(queue.delete_runs({run}));
  gate.open();
  const auto next = make_run(8);

  EXPECT_EQ(await_results(next, 8).size(), 8U);
  EXPECT_EQ(server.number({"EXISTS", key(run, "results"), key(run, "tasks"), key(run, "workers")}),
            0)
      << "nothing of the old run came back to life";
}

TEST_F(ConsumerWork, LeavesARunThatHasEndedWithoutAWarning) {
  CapturedLog log;
  const auto run = make_run(3);
  {
    RunningWorker one = worker();
    (void)await_results(run, 3);
    const auto blocked = [&] {
      return server.command({"CLIENT", "LIST"}).find("cmd=xreadgroup") != std::string::npos;
    };
    ASSERT_TRUE(eventually(blocked));

    ok(queue.delete_runs({run}));  // as the scheduler does at the end

    EXPECT_TRUE(eventually([&] { return log.contains("left run"); }));
  }
  EXPECT_FALSE(log.contains("warning")) << log.text();
}

TEST_F(ConsumerWork, SurvivesAFlushAndFindsTheNewIncarnation) {
  const auto run = make_run(30);
  RunningWorker one = worker();
  (void)await_results(run, 10);

  server.flushall();
  const auto again = make_run(30);

  EXPECT_EQ(await_results(again, 30).size(), 30U);
}

class ConsumerOutage : public ConsumerTest {
 protected:
  static test::RedisOptions with_aof() {
    test::RedisOptions options;
    options.aof = true;
    return options;
  }
  ConsumerOutage() : ConsumerTest(with_aof()) {}
};

TEST_F(ConsumerOutage, GoesOnAfterTheServerWasKilled) {
  const auto run = make_run(150);
  std::atomic<int> loaded{0};
  RunningWorker one = worker([&](const Task& task) {
    ++loaded;
    return clear_photo(task);
  });
  ASSERT_TRUE(eventually([&] { return loaded > 20; }));

  server.restart();
  ok(connection.connect());

  // A FINISH whose reply was lost is sent again: a result may stand there twice.
  EXPECT_EQ(await_results(run, 150, true).size(), 150U);
  EXPECT_TRUE(eventually([&] { return tasks_left(run) == 0; }));
}

TEST_F(ConsumerWork, EndsWhenThePasswordIsRefused) {
  server.command({"CONFIG", "SET", "requirepass", "secret"});
  RunningWorker one = worker();

  const Ending ending = one.wait();

  EXPECT_EQ(ending.code, kExitEnvironment);
  EXPECT_THAT(ending.why, testing::HasSubstr("AUTH"));
}

}  // namespace
}  // namespace photoscribe
