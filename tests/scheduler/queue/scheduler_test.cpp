// The scheduler on a real server and a real database, with workers that speak the whole protocol.
#include "scheduler/queue/scheduler.h"

#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <sstream>

#include "tests/scheduler/queue/scheduler_fixture.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::HasSubstr;

TEST_F(SchedulerTest, BringsEveryPhotoToAFinalStateAndLeavesNothingInRedis) {
  make_archive(500);
  add_worker();
  add_worker();

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(500);
  const RunCounts counts = must(store_->counts(run_));
  EXPECT_EQ(counts.asked.failed(), 45);  // every eleventh
  EXPECT_EQ(counts.asked.blurred, 71 - 6);
  EXPECT_EQ(scheduler_->now().done + scheduler_->now().blurred + scheduler_->now().failed, 500);
  EXPECT_EQ(scheduler_->now().reconciles, 1);
}

TEST_F(SchedulerTest, ComputesNothingTwiceWhenNothingGoesWrong) {
  make_archive(300);
  FakeWorker& worker = add_worker();

  run_scheduler();

  for (const auto& [image, times] : worker.computed()) EXPECT_EQ(times, 1) << image.first;
  stop_workers();
}

TEST_F(SchedulerTest, KeepsTheStreamAndWhatIsUnrecordedWithinTheWindow) {
  window_ = 20;
  make_archive(200);
  std::int64_t longest = 0, most = 0;
  FakeWorkerSettings watching;
  watching.batch = 3;
  watching.finished = [&](std::int64_t) {
    longest = std::max(longest, server_.number({"XLEN", key("tasks")}));
    most = std::max(most, scheduler_->now().enqueued);
  };
  add_worker(watching);

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_LE(longest, 20);
  EXPECT_LE(most, 20);
  EXPECT_GT(most, 10);
  expect_everything_done(200);
}

TEST_F(SchedulerTest, SurvivesAFlushInTheMiddle) {
  make_archive(400);
  add_worker(acting_at(100, [&] { server_.flushall(); }));
  add_worker();

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(400);
  EXPECT_THAT(events_, Contains(HasSubstr("Redis lost this run's data")));
}

TEST_F(SchedulerTest, SurvivesAFlushAfterTheLastTaskWasEnqueued) {
  make_archive(60);  // all in the window at once: no further XADD will notice
  add_worker(acting_at(30, [&] { server_.flushall(); }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(60);
}

TEST_F(SchedulerTest, ForgetsIncarnationsWhoseKeysHaveExpired) {
  make_archive(5);
  must(store_->begin_incarnation(run_, std::string(32, 'a')));
  must(store_->end_incarnation(run_));
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(folder_.file("archive.db").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(db, "UPDATE past_incarnation SET ended_unix_ms = 0", nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(db);
  add_worker();

  run_scheduler();
  stop_workers();

  EXPECT_EQ(sql("SELECT count(*) FROM past_incarnation WHERE ended_unix_ms = 0"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM past_incarnation"), "1");
}

/// One key of the run at a time, deleted under everybody's feet.
class SchedulerLosesAKey : public SchedulerTest,
                           public ::testing::WithParamInterface<const char*> {};

TEST_P(SchedulerLosesAKey, AndFinishesAllTheSame) {
  make_archive(200);
  add_worker(acting_at(60, [&] { server_.command({"DEL", key(GetParam())}); }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(200);
}
INSTANTIATE_TEST_SUITE_P(Keys, SchedulerLosesAKey,
                         ::testing::Values("spec", "tasks", "results", "state", "workers"),
                         [](const auto& one) { return std::string(one.param); });

TEST_F(SchedulerTest, WritesTheRegistrationAgainWhenOnlyThatIsLost) {
  make_archive(200);
  add_worker(acting_at(60, [&] { server_.command({"DEL", "photoscribe:runs"}); }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(200);
  EXPECT_EQ(sql("SELECT COUNT(*) FROM past_incarnation"), "1");  // the one that just ended
}

TEST_F(SchedulerTest, EnqueuesNothingTwiceThoughItsConnectionIsCutAgainAndAgain) {
  window_ = 32;
  make_archive(160);
  int cuts = 0;
  FakeWorkerSettings cutting;
  cutting.finished = [&](std::int64_t) {  // whatever the scheduler is just doing
    std::istringstream clients(server_.command({"CLIENT", "LIST"}));
    for (std::string line; std::getline(clients, line);) {
      if (line.find("name=photoscribe-scheduler") == std::string::npos || cuts >= 4) continue;
      server_.command({"CLIENT", "KILL", "ID", line.substr(3, line.find(' ') - 3)});
      ++cuts;
    }
  };
  FakeWorker& worker = add_worker(cutting);

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);

  EXPECT_EQ(cuts, 4);
  EXPECT_GE(scheduler_->now().reconciles, 2);
  for (const auto& [image, times] : worker.computed()) EXPECT_EQ(times, 1) << image.first;
  stop_workers();
  expect_everything_done(160);
}

TEST_F(SchedulerTest, SurvivesAServerThatIsKilledAndComesBackAsItWas) {
  make_archive(400);
  add_worker(acting_at(100, [&] { server_.restart(); }));
  add_worker();

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(400);
  EXPECT_GE(scheduler_->now().reconciles, 2);
}

TEST_F(SchedulerTest, SurvivesAServerThatComesBackEmpty) {
  make_archive(400);
  const fs::path data = server_.folder().path() / "appendonlydir";
  add_worker(acting_at(100, [&] {
    server_.kill();
    fs::remove_all(data);
    server_.start();
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(400);
}

TEST_F(SchedulerTest, SurvivesAnOlderCopyOfTheDataBeingPutBack) {
  make_archive(400);
  const fs::path data = server_.folder().path() / "appendonlydir";
  const fs::path copy = folder_.path() / "older";
  add_worker(acting_at(80, [&] { fs::copy(data, copy, fs::copy_options::recursive); }));
  add_worker(acting_at(160, [&] {
    if (!fs::exists(copy)) throw std::runtime_error("the copy comes first");
    server_.kill();
    fs::remove_all(data);
    fs::copy(copy, data, fs::copy_options::recursive);
    server_.start();
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(400);
}

TEST_F(SchedulerTest, KeepsAnUnparsableResultAndEndsAllTheSame) {
  make_archive(100);
  add_worker(acting_at(30, [&] {
    server_.command({"XADD", key("results"), "*", "b", std::string("\xff not a batch", 12)});
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(100);
  EXPECT_EQ(sql("SELECT COUNT(*) FROM quarantine"), "1");
  EXPECT_THAT(events_, Contains(HasSubstr("quarantine")));
}

TEST_F(SchedulerTest, GoesOnWhereAnAbandonedSchedulerStopped) {
  make_archive(400);
  add_worker(acting_at(120, [&] { scheduler_->abort(); }));
  EXPECT_EQ(run_scheduler(), SchedulerEnd::aborted);
  const std::int64_t before = must(store_->counts(run_)).asked.pending;
  EXPECT_GT(before, 0);

  make_scheduler();
  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);

  for (const auto& [image, times] : workers_[0]->computed()) EXPECT_EQ(times, 1) << image.first;
  stop_workers();
  expect_everything_done(400);
}

TEST_F(SchedulerTest, RecordsAtItsStartWhatWorkersFinishedWithoutIt) {
  make_archive(60);  // one window
  FakeWorker& worker = add_worker(acting_at(8, [&] { scheduler_->abort(); }));
  EXPECT_EQ(run_scheduler(), SchedulerEnd::aborted);
  while (worker.published() < 60) io_.run_one();  // nobody records
  const std::int64_t computed = worker.published();
  stop_workers();

  make_scheduler();
  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);  // without any worker

  EXPECT_EQ(computed, 60);
  expect_everything_done(60);
}

TEST_F(SchedulerTest, DrainsOnRequestAndFinishesAtTheNextStart) {
  make_archive(300);
  add_worker(acting_at(80, [&] { scheduler_->finish_up(); }));
  EXPECT_EQ(run_scheduler(), SchedulerEnd::drained);
  EXPECT_GE(must(store_->counts(run_)).asked.total() - must(store_->counts(run_)).asked.pending,
            80);

  make_scheduler();
  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(300);
}

TEST_F(SchedulerTest, LeavesTheKeysToAnotherSchedulerThatTookThemOver) {
  make_archive(300);
  std::string first;
  add_worker(acting_at(50, [&] {
    first = key("state");
    // What a scheduler on a copy of this database does first: a fence of its own.
    server_.command({"HSET", first, "fence", "12345"});
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);

  EXPECT_THAT(events_, Contains(HasSubstr("another scheduler")));
  stop_workers();
  expect_everything_done(300);
}

TEST_F(SchedulerTest, CondemnsAPhotoThatKilledItsWorkersWhenNoneLives) {
  make_archive(1);
  redis::Connection connection(io_.get_executor(), settings().endpoint);
  redis::SchedulerQueue queue(connection);
  redis::WorkerQueue worker_queue(connection);
  make_scheduler();
  std::optional<SchedulerEnd> end;
  boost::asio::co_spawn(io_, scheduler_->run(),
                        [&](std::exception_ptr, Expected<SchedulerEnd> value) { end = *value; });
  must(run(io_, connection.connect()));
  while (scheduler_->now().enqueued < 1) io_.run_one();
  const std::string tasks = key("tasks");
  const std::string incarnation = tasks.substr(13, 32);
  std::vector<redis::Delivery> held;
  while (held.empty()) held = must(run(io_, worker_queue.read_tasks(incarnation, "poisoned", 1)));
  const std::vector<redis::EntryId> ids{held[0].id};
  must(run(io_, worker_queue.start(incarnation, "poisoned", 1, ids)));  // in hand; then it died

  server_.command({"XCLAIM", tasks, "workers", "poisoned", "0", redis::to_string(ids[0]),
                   "RETRYCOUNT", "3", "JUSTID"});
  while (!end) io_.run_one();

  EXPECT_EQ(*end, SchedulerEnd::complete);
  EXPECT_EQ(sql("SELECT reason FROM image"), "crashed_worker");
  EXPECT_EQ(server_.command({"KEYS", "photoscribe:*"}), "[]");
}

TEST_F(SchedulerTest, RefusesAServerThatMayEvictTasks) {
  make_archive(10);
  server_.command({"CONFIG", "SET", "maxmemory", "100mb"});
  server_.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  make_scheduler();

  const Expected<SchedulerEnd> end = run(io_, scheduler_->run());

  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::redis_refused);
  EXPECT_THAT(end.error().message, HasSubstr("noeviction"));
}

TEST_F(SchedulerTest, SaysSoWhenNobodyAnswersAtTheStart) {
  make_archive(10);
  server_.kill();
  SchedulerSettings impatient = settings();
  impatient.first_connect = milliseconds(100);
  StoreThread thread(*store_);
  Scheduler scheduler(io_, thread, impatient, [](const Event&) {});

  const Expected<SchedulerEnd> end = run(io_, scheduler.run());

  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::redis_unavailable);
}

TEST_F(SchedulerTest, RecordsWhileTheServerIsOutOfMemoryAndGoesOnAfterwards) {
  make_archive(200);
  boost::asio::steady_timer poll(io_);
  std::int64_t recorded = 0;
  std::function<void()> relieve_once_recorded = [&] {
    const SchedulerNow now = scheduler_->now();
    recorded = now.done + now.blurred + now.failed;
    if (recorded >= workers_[0]->published()) {  // what was published frees memory only so
      server_.command({"CONFIG", "SET", "maxmemory", "0"});
      return;
    }
    poll.expires_after(milliseconds(2));
    poll.async_wait([&](auto) { relieve_once_recorded(); });
  };
  add_worker(acting_at(60, [&] {
    server_.command({"CONFIG", "SET", "maxmemory", "1mb"});
    server_.command({"CLIENT", "KILL", "TYPE", "normal"});  // so that it reconciles first
    relieve_once_recorded();
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_GE(recorded, 60);
  expect_everything_done(200);
}

}  // namespace
}  // namespace photoscribe::test
