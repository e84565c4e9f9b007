// Pause, resume, cancel and retry of a scheduler at work, on a real server and a real database.
#include "scheduler/queue/scheduler.h"
#include "tests/scheduler/queue/scheduler_fixture.h"

namespace photoscribe::test {
namespace {

using std::chrono::milliseconds;

class PauseTest : public SchedulerTest {
 protected:
  /// Runs the scheduler, and the rest of the io_context, until `there` holds or it ends.
  void begin() {
    make_scheduler();
    boost::asio::co_spawn(io_, scheduler_->run(),
                          [this](std::exception_ptr thrown, Expected<SchedulerEnd> end) {
                            if (thrown) std::rethrow_exception(thrown);
                            end_ = must(std::move(end));
                          });
  }
  template <class Condition>
  bool until(Condition there) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    io_.restart();
    while (!there() && std::chrono::steady_clock::now() < limit) io_.run_one_for(milliseconds(50));
    return there();
  }
  std::int64_t recorded() const {
    const SchedulerNow at = scheduler_->now();
    return at.done + at.blurred + at.failed;
  }
  bool at_rest() const {
    return scheduler_->now().paused && scheduler_->now().in_hand == 0 && recorded() > 0;
  }

  /// As BatchJob obeys a retry: through the one thread that the store is used from.
  boost::asio::awaitable<bool> retry() {
    const RunId mine = run_;
    const auto change = [mine](Store& store) -> Expected<RunCounts> {
      const auto retried = store.retry_failed(mine);
      if (!retried) return fail(retried.error());
      return store.counts(mine);
    };
    const Expected<RunCounts> counts = co_await store_thread_->call(change);
    scheduler_->expect_more(must(counts));
    co_return true;
  }
  void spawn_retry() {
    boost::asio::co_spawn(io_, retry(), [](std::exception_ptr thrown, bool) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }

  FakeWorkerSettings slow() const {
    FakeWorkerSettings worker;
    worker.per_batch = milliseconds(10);
    return worker;
  }

  std::optional<SchedulerEnd> end_;
};

TEST_F(PauseTest, FinishesWhatIsInHandAndStartsNothingUntilItResumes) {
  make_archive(400);
  FakeWorker& worker = add_worker(slow());
  begin();
  ASSERT_TRUE(until([&] { return recorded() >= 50; }));

  scheduler_->pause();
  ASSERT_TRUE(until([&] { return at_rest(); }));
  const std::int64_t then = recorded();
  EXPECT_LT(then, 400);
  EXPECT_EQ(server_.number({"XLEN", key("tasks")}), 0);
  const auto later = std::chrono::steady_clock::now() + milliseconds(400);
  until([&] { return std::chrono::steady_clock::now() > later; });
  EXPECT_EQ(recorded(), then);

  scheduler_->resume();
  ASSERT_TRUE(until([&] { return end_.has_value(); }));
  EXPECT_EQ(*end_, SchedulerEnd::complete);
  for (const auto& [image, times] : worker.computed()) EXPECT_EQ(times, 1) << image.first;
  stop_workers();
  expect_everything_done(400);
}

TEST_F(PauseTest, StaysPausedThroughALossOfRedis) {
  make_archive(300);
  add_worker(slow());
  begin();
  ASSERT_TRUE(until([&] { return recorded() >= 50; }));
  scheduler_->pause();
  ASSERT_TRUE(until([&] { return at_rest(); }));
  const std::int64_t then = recorded();

  server_.flushall();
  ASSERT_TRUE(until([&] { return scheduler_->now().reconciles >= 2; }));
  const auto later = std::chrono::steady_clock::now() + milliseconds(300);
  until([&] { return std::chrono::steady_clock::now() > later; });
  EXPECT_EQ(recorded(), then);

  scheduler_->resume();
  ASSERT_TRUE(until([&] { return end_.has_value(); }));
  stop_workers();
  expect_everything_done(300);
}

TEST_F(PauseTest, CancelledRecordsWhatIsInHandAndLeavesNothingInRedis) {
  make_archive(400);
  FakeWorker& worker = add_worker(slow());
  begin();
  ASSERT_TRUE(until([&] { return recorded() >= 50; }));

  scheduler_->cancel();
  ASSERT_TRUE(until([&] { return end_.has_value(); }));

  EXPECT_EQ(*end_, SchedulerEnd::cancelled);
  EXPECT_EQ(recorded(), worker.published());
  stop_workers();
  EXPECT_EQ(must(store_->counts(run_)).asked.pending, 400 - recorded());
  EXPECT_GT(400 - recorded(), 0);
  EXPECT_EQ(server_.command({"KEYS", "photoscribe:*"}), "[]");
}

TEST_F(PauseTest, DoesRetriedPhotosWithinTheSameRun) {
  make_archive(200);
  add_worker(slow());
  begin();
  ASSERT_TRUE(until([&] { return scheduler_->now().counts.asked.failed() >= 5; }));

  spawn_retry();
  ASSERT_TRUE(until([&] { return end_.has_value(); }));
  stop_workers();

  EXPECT_GE(std::stoi(sql("SELECT count(*) FROM image WHERE attempt = 2")), 5);
  expect_everything_done(200);
}

TEST_F(PauseTest, DoesPhotosThatAreRetriedWhileItTidiesUp) {
  make_archive(22);
  add_worker();
  begin();
  ASSERT_TRUE(until([&] { return recorded() == 22; }));

  spawn_retry();  // the scheduler waits for its keys to be deleted
  ASSERT_TRUE(until([&] { return end_.has_value(); }));
  stop_workers();

  EXPECT_EQ(sql("SELECT count(*) FROM result WHERE attempt = 2"), "2");
  expect_everything_done(22);
}

}  // namespace
}  // namespace photoscribe::test
