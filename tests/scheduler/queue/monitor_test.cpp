// What a scheduler counts, and how its process tells it to Prometheus.
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "scheduler/queue/run_monitor.h"
#include "tests/scheduler/queue/scheduler_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(SchedulerTest, CountsWhatItRecordsAndEnqueuesAgain) {
  make_archive(220);
  bool flushed = false;
  FakeWorkerSettings slow;
  slow.per_batch = std::chrono::milliseconds(5);
  slow.finished = [&](std::int64_t published) {
    if (flushed || published < 60) return;
    flushed = true;
    server_.flushall();
  };
  add_worker(slow);
  make_scheduler();
  const std::shared_ptr<RunMeters> meters = scheduler_->meters();

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  const RunCounts counts = must(store_->counts(run_));
  EXPECT_EQ(meters->done.value(), static_cast<std::uint64_t>(counts.asked.done));
  EXPECT_EQ(meters->blurred.value(), static_cast<std::uint64_t>(counts.asked.blurred));
  EXPECT_EQ(meters->failed.value(), static_cast<std::uint64_t>(counts.asked.failed()));
  EXPECT_GT(meters->lost.value(), 20U);
  EXPECT_GE(meters->reconciles.value(), 2U);
  EXPECT_EQ(meters->retried.value(), 0U);
  EXPECT_GE(meters->commit_results.sum(), 220);
  EXPECT_GT(meters->commit_seconds.sum(), 0);
}

TEST_F(SchedulerTest, LooksAtItsQueueForTheMonitor) {
  make_archive(30);
  make_scheduler();
  QueueNow seen;
  int looks = 0;
  boost::asio::steady_timer timer(io_);
  const std::function<void(boost::system::error_code)> look = [&](boost::system::error_code) {
    seen = scheduler_->queue_now();
    const bool all = seen.look && seen.look->tasks_length == 30 &&
                     seen.look->oldest_age >= std::chrono::milliseconds(200);
    if (all || ++looks == 600) return scheduler_->abort();
    timer.expires_after(std::chrono::milliseconds(50));
    timer.async_wait(look);
  };
  boost::asio::post(io_, [&] { look({}); });

  EXPECT_EQ(run_scheduler(), SchedulerEnd::aborted);

  EXPECT_TRUE(seen.connected);
  ASSERT_TRUE(seen.look);
  EXPECT_EQ(seen.look->tasks_length, 30);
  EXPECT_GE(seen.look->oldest_age, std::chrono::milliseconds(200));
  EXPECT_LE(seen.look->oldest_age, std::chrono::seconds(60));
  EXPECT_EQ(seen.counts.asked.pending, 30);
}

SeenWorker on_gpu(const std::string& name, std::chrono::milliseconds age) {
  SeenWorker worker;
  worker.report.name = name;
  worker.report.host = "gpu7";
  worker.report.model_name = "best";
  worker.report.devices = {"cuda:0", "cuda:1"};
  worker.age = age;
  return worker;
}

TEST(RunMonitor, TellsOfRunsQueuesAndWorkers) {
  RunMonitor monitor;
  QueueNow now;
  now.counts.asked.pending = 7;
  now.counts.asked.failed_by_reason[static_cast<std::size_t>(Reason::truncated)] = 2;
  now.counts.others.done = 3;
  now.connected = true;
  now.look.emplace();
  now.look->tasks_length = 5;
  now.look->pending = 2;
  now.look->oldest_age = std::chrono::milliseconds(1'500);
  now.workers = {on_gpu("one", std::chrono::seconds(1)), on_gpu("two", std::chrono::seconds(1)),
                 on_gpu("gone", std::chrono::minutes(2))};
  monitor.meters_of("night")->done.add(3);
  monitor.show("night", now);
  monitor.show("day", now);

  EXPECT_THAT(
      monitor.text(),
      AllOf(HasSubstr("photoscribe_photos{run=\"night\",state=\"pending\"} 7\n"),
            HasSubstr("photoscribe_photos{run=\"night\",state=\"done\"} 3\n"),
            HasSubstr("photoscribe_failed_photos{run=\"night\",reason=\"truncated\"} 2\n"),
            HasSubstr("photoscribe_queue_tasks{run=\"night\",state=\"waiting\"} 3\n"),
            HasSubstr("photoscribe_queue_tasks{run=\"night\",state=\"held\"} 2\n"),
            HasSubstr("photoscribe_queue_oldest_task_seconds{run=\"night\"} 1.5\n"),
            HasSubstr("photoscribe_scheduler_recorded_total{run=\"night\",state=\"done\"} 3\n"),
            HasSubstr("photoscribe_workers{host=\"gpu7\",device=\"cuda:1\",model=\"best\"} 2\n"),
            HasSubstr("photoscribe_redis_up 1\n"), HasSubstr("photoscribe_scheduler_ready 0\n")));
  now.connected = false;
  now.look.reset();
  monitor.show("day", now);
  EXPECT_THAT(monitor.text(), AllOf(HasSubstr("photoscribe_redis_up 0\n"),
                                    Not(HasSubstr("photoscribe_queue_tasks{run=\"day\""))));
  monitor.ended("day");
  monitor.ended("night");
  EXPECT_THAT(monitor.text(),
              AllOf(Not(HasSubstr("\nphotoscribe_redis_up ")), Not(HasSubstr("queue_tasks{")),
                    HasSubstr("recorded_total{run=\"night\",state=\"done\"} 3\n")));
}

}  // namespace
}  // namespace photoscribe::test
