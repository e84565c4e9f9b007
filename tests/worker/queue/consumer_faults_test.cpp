#include <algorithm>
#include <mutex>
#include <utility>

#include "common/core/resident_memory.h"
#include "tests/worker/queue/consumer_fixture.h"

namespace photoscribe {
namespace {

using redis::Delivery;
using redis::EntryId;

class ConsumerFaults : public ConsumerTest {
 protected:
  std::vector<EntryId> ids_of(const std::vector<Delivery>& deliveries) {
    std::vector<EntryId> ids;
    for (const auto& delivery : deliveries) ids.push_back(delivery.id);
    return ids;
  }
};

TEST_F(ConsumerFaults, TakesOverFromADeadWorker) {
  const auto run = make_run(20);
  const auto dead = ids_of(ok(worker_queue.read_tasks(run, "dead", 12)));
  ok(worker_queue.beat(run, "dead", 1));
  (void)ok(worker_queue.start(run, "dead", 1, {dead.begin(), dead.begin() + 3}));
  RunningWorker one = worker();

  const auto all = await_results(run, 20);

  for (const auto& [image, outcome] : all) EXPECT_THAT(outcome, testing::StartsWith("value"));
  EXPECT_EQ(tasks_left(run), 0);
}

TEST_F(ConsumerFaults, LeavesALivingWorkerAlone) {
  const auto run = make_run(6);
  (void)ok(worker_queue.read_tasks(run, "slow", 4));
  RunningWorker one = worker();

  std::int64_t counter = 0;
  const auto end = std::chrono::steady_clock::now() + 600ms;  // four leases
  std::chrono::steady_clock::duration gap{};
  for (auto last = std::chrono::steady_clock::now(); last < end;) {
    ok(worker_queue.beat(run, "slow", ++counter));
    std::this_thread::sleep_for(5ms);
    const auto now = std::chrono::steady_clock::now();
    gap = std::max(gap, now - std::exchange(last, now));
  }
  if (gap > 75ms) GTEST_SKIP() << "this machine kept the heart from beating for half a lease";

  EXPECT_EQ(results(run).size(), 2U);
  EXPECT_EQ(pending(run), 4);
}

TEST_F(ConsumerFaults, TakesSuspectsAloneAndBlamesNoneOfTheInnocent) {
  const auto run = make_run(12);
  const auto dead = ids_of(ok(worker_queue.read_tasks(run, "dead", 12)));
  (void)ok(worker_queue.start(run, "dead", 1, dead));
  RunningWorker one = worker(clear_photo, 8);

  const auto all = await_results(run, 12);

  for (const auto& [image, outcome] : all) EXPECT_THAT(outcome, testing::StartsWith("value"));
  EXPECT_THAT(device.sizes(), testing::Each(1U)) << "each suspect is alone in the network";
}

TEST_F(ConsumerFaults, CondemnsAPhotoInHandAtTooManyCrashes) {
  RunSpec strict = spec();
  strict.lease.max_deliveries = 2;
  const auto run = make_run(5, strict);
  const auto first = ids_of(ok(worker_queue.read_tasks(run, "dead1", 1)));
  (void)ok(worker_queue.start(run, "dead1", 1, first));
  redis::Judged dead1;
  dead1.name = "dead1";
  const auto claimed = ok(worker_queue.reclaim(run, "dead2", 1, first[0], dead1, 2));
  ASSERT_EQ(claimed.verdict, redis::ReclaimVerdict::claimed);
  RunningWorker one = worker();

  const auto all = await_results(run, 5);

  EXPECT_EQ(all.at(1), "crashed_worker");
  EXPECT_EQ(all.at(2), "value 102");
}

TEST_F(ConsumerFaults, TakesUpItsOwnTasksOfALostReply) {
  const auto run = make_run(0);
  RunningWorker one = worker();
  ASSERT_TRUE(eventually([&] {
    return server.number({"HEXISTS", key(run, "workers"), one.name()}) == 1;
  })) << "joined, and its heart beats";
  // As if a read had been executed whose reply never came.
  std::string script =
      "redis.call('XADD', KEYS[1], '*', 'i', '1', 'a', '1', 'r', 'photos', 'p', 'x.jpg') "
      "return redis.call('XREADGROUP', 'GROUP', 'workers', ARGV[1], 'STREAMS', KEYS[1], '>')";
  server.command({"EVAL", script, "1", key(run, "tasks"), one.name()});
  ASSERT_EQ(pending(run), 1);

  EXPECT_EQ(await_results(run, 1).at(1), "value 101");
  EXPECT_EQ(pending(run), 0);
}

TEST_F(ConsumerFaults, DropsWhatWasTakenFromIt) {
  const auto run = make_run(6);
  Gate gate;
  device.on_call = [&gate](std::size_t) { gate.pass(); };
  RunningWorker one = worker(clear_photo, 4);
  ASSERT_TRUE(eventually([&] { return gate.waiting() == 1 && pending(run) == 6; }));

  // Another worker has rightly claimed everything, as after a long pause, and is done with it.
  for (const auto& entry : ok(queue.pending_of(run, one.name(), 10))) {
    server.command({"XCLAIM", key(run, "tasks"), "workers", "thief", "0", to_string(entry.id)});
  }
  const auto renewals = [&] {
    const std::string stats = server.command({"INFO", "commandstats"});
    const auto at = stats.find("cmdstat_xpending:calls=");
    return at == std::string::npos ? 0 : std::stoi(stats.substr(at + 23));
  };
  const int before = renewals();
  ok(worker_queue.beat(run, "thief", 1));
  ASSERT_TRUE(eventually([&] { return renewals() >= before + 3; }));
  std::vector<EntryId> ids;
  for (const auto& entry : ok(queue.pending_of(run, "thief", 10))) ids.push_back(entry.id);
  ASSERT_EQ(ids.size(), 6U) << "it never takes back what is no longer its own";
  server.command({"XADD", key(run, "results"), "*", "x", "y"});  // so that the count shows
  gate.open();
  const Ending ending = one.stop();

  EXPECT_EQ(ending.code, kExitStopped);
  EXPECT_EQ(server.number({"XLEN", key(run, "results")}), 1) << "it published nothing of it";
}

TEST_F(ConsumerFaults, HandsBackWhenTheMachineIsAtFaultAndRecovers) {
  const auto run = make_run(25);
  std::atomic<int> faults{0};
  RunningWorker one = worker([&](const Task& task) -> LoadOutcome {
    if (++faults <= 6) return Fault{FaultOf::machine, "open: too many open files"};
    return clear_photo(task);
  });

  const auto all = await_results(run, 25);

  for (const auto& [image, outcome] : all) EXPECT_THAT(outcome, testing::StartsWith("value"));
  EXPECT_GT(faults, 6);
}

TEST_F(ConsumerFaults, BlamesAPhotoThatAloneCannotBeReadForEver) {
  const auto run = make_run(40);
  RunningWorker one = worker([](const Task& task) -> LoadOutcome {
    if (task.image_id == 5) return Fault{FaultOf::storage, "read 5.jpg: Input/output error"};
    return clear_photo(task);
  });
  // Other photos keep coming, and can be read.
  for (int i = 41; i <= 400 && results(run).count(5) == 0; i += 10) {
    enqueue(run, i, i + 9);
    (void)await_results(run, static_cast<std::size_t>(i));
  }

  EXPECT_EQ(results(run).at(5), "unreadable");
}

TEST_F(ConsumerFaults, WaitsForARootThatIsGone) {
  const test::TempDir archive;
  const std::string folder = archive.file("mounted"), away = archive.file("away");
  std::filesystem::create_directory(folder);
  archive.write("mounted/photo.jpg", "bytes");  // an empty one would pass for not mounted
  roots.clear();
  roots.emplace("photos", *PhotoRoot::open("photos", folder));
  const auto run = make_run(30);
  std::atomic<int> faults{0};
  std::filesystem::rename(folder, away);
  RunningWorker one = worker([&](const Task& task) -> LoadOutcome {
    if (const Status alive = roots.at("photos").check(); !alive) {
      ++faults;
      return Fault{FaultOf::storage, alive.error().message};
    }
    return clear_photo(task);
  });
  ASSERT_TRUE(eventually([&] { return faults > 0 && pending(run) == 0; }));

  std::filesystem::rename(away, folder);

  const auto all = await_results(run, 30);
  for (const auto& [image, outcome] : all) EXPECT_THAT(outcome, testing::StartsWith("value"));
}

TEST_F(ConsumerFaults, EndsWhenTheDeviceIsLostAndTheNextWorkerFinishes) {
  const auto run = make_run(20);
  device.lost = true;
  {
    RunningWorker broken = worker();
    EXPECT_EQ(broken.wait().code, kExitReplaceMe);
  }
  EXPECT_TRUE(results(run).empty());
  const auto in_hand = pending(run);
  EXPECT_GE(in_hand, 1) << "the batch that it happened to is charged";
  EXPECT_LE(in_hand, 4) << "the rest went back";

  device.lost = false;
  RunningWorker next = worker();
  EXPECT_EQ(await_results(run, 20).size(), 20U);
}

TEST_F(ConsumerFaults, FailsAPhotoThatHangsAndAsksToBeReplaced) {
  RunSpec impatient = spec();
  impatient.settings.limits.image_timeout_s = 1;
  const auto run = make_run(20, impatient);
  Gate gate;
  RunningWorker one = worker([&](const Task& task) {
    if (task.image_id == 3) gate.pass();
    return clear_photo(task);
  });

  const Ending ending = one.wait();

  EXPECT_EQ(ending.code, kExitReplaceMe);
  EXPECT_EQ(results(run).at(3), "timeout");
  EXPECT_EQ(pending(run), 0) << "the rest is back in the queue";
  gate.open();
  RunningWorker next = worker();
  EXPECT_EQ(await_results(run, 20).size(), 20U);
}

TEST_F(ConsumerFaults, IsNotReadyWhileNothingComesOutOfTheWorkItHolds) {
  Gate gate;
  RunningWorker one = worker([&](const Task& task) {
    gate.pass();
    return clear_photo(task);
  });
  ASSERT_TRUE(eventually([&] { return one.health().report().ready; })) << "it has nothing to do";
  const auto run = make_run(20);

  ASSERT_TRUE(eventually([&] { return !one.health().report().ready; })) << "three leases of 150 ms";

  EXPECT_TRUE(one.health().report().alive);
  EXPECT_THAT(one.health().report().why, testing::HasSubstr("has finished none for"));
  gate.open();
  await_results(run, 20);
  EXPECT_TRUE(eventually([&] { return one.health().report().ready; }));
}

TEST_F(ConsumerFaults, AsksToBeReplacedWhenItHoldsWorkAndNothingMoves) {
  Gate gate;
  const Loader loader = [&gate](const Job& job, FileBuffer&, const OnDecode& on_decode) {
    on_decode();
    gate.pass();
    return clear_photo(job.task);
  };
  RunningWorker one(server.url(), device, loader, roots, patience_of_a_test(), 4,
                    [](ConsumerConfig& config) { config.watchdog.standstill_limit = 500ms; });
  const auto run = make_run(20);
  ASSERT_TRUE(eventually([&] { return gate.waiting() > 0; }));
  // The server answers no write for longer than the worker may stand still, and does not hang up.
  ASSERT_EQ(server.command({"CLIENT", "PAUSE", "8000", "WRITE"}), "OK");

  gate.open();
  ASSERT_TRUE(eventually([&] { return one.health().report().why == "stopping"; }))
      << one.health().report().why;

  server.command({"CLIENT", "UNPAUSE"});
  const Ending ending = one.wait();
  EXPECT_EQ(ending.code, kExitReplaceMe);
  EXPECT_THAT(ending.why, testing::HasSubstr("has finished none for"));
  RunningWorker next = worker();
  EXPECT_EQ(await_results(run, 20).size(), 20U);
}

TEST_F(ConsumerFaults, IsNotReadyWithoutRedisAndAgainWithIt) {
  RunningWorker one = worker();
  ASSERT_TRUE(eventually([&] { return one.health().report().ready; }));

  server.kill();
  ASSERT_TRUE(eventually([&] { return one.health().report().why == "Redis does not answer"; }));

  server.start();
  EXPECT_TRUE(eventually([&] { return one.health().report().ready; }));
}

/// A worker whose photos leave `bytes` each behind, as a library that leaks does.
class ConsumerMemory : public ConsumerTest {
 protected:
  RunningWorker leaking_worker(std::size_t bytes, std::int64_t memory_max_bytes) {
    const Loader loader = [this, bytes](const Job& job, FileBuffer&, const OnDecode& on_decode) {
      on_decode();
      const std::lock_guard lock(mutex_);
      leaked_.emplace_back(bytes, 'x');
      return clear_photo(job.task);
    };
    return RunningWorker(
        server.url(), device, loader, roots, patience_of_a_test(), 4,
        [=](ConsumerConfig& config) { config.watchdog.memory_max_bytes = memory_max_bytes; });
  }
  std::mutex mutex_;
  std::vector<std::string> leaked_;
};

TEST_F(ConsumerMemory, AboveItsLimitItHandsBackAndAsksToBeReplaced) {
  const auto run = make_run(6'000);
  RunningWorker leaking = leaking_worker(128 << 10, resident_bytes() + (96 << 20));

  const Ending ending = leaking.wait();

  EXPECT_EQ(ending.code, kExitReplaceMe);
  EXPECT_THAT(ending.why, testing::HasSubstr("--memory-max"));
  EXPECT_EQ(pending(run), 0) << "all that it held went back";
  const std::size_t finished = results(run).size();
  EXPECT_LT(finished, 6'000U);
  // The next one finishes, and nobody was charged: nothing is a suspect, taken alone.
  const std::size_t batches = device.sizes().size();
  RunningWorker next = worker();
  await_results(run, 6'000);
  EXPECT_GT((6'000 - finished) / (device.sizes().size() - batches), 1U);
}

TEST_F(ConsumerMemory, ALimitBelowWhatItNeedsAtAllIsSaidSo) {
  RunningWorker small = leaking_worker(0, 1 << 20);  // no run to work on yet

  const Ending ending = small.wait();

  EXPECT_EQ(ending.code, kExitEnvironment);
  EXPECT_THAT(ending.why, testing::HasSubstr("more than --memory-max 1 MiB, before its first"));
}

}  // namespace
}  // namespace photoscribe
