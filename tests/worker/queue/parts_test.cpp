// What the parts of a consumer decide, without Redis.
#include <gmock/gmock.h>

#include <future>
#include <memory>

#include "tests/worker/pipeline/pipeline_fixture.h"
#include "worker/health/watchdog.h"
#include "worker/pipeline/jobs_in_work.h"
#include "worker/queue/dispatcher.h"

namespace photoscribe {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Orphan orphan(int deliveries) {
  Orphan made;
  made.deliveries = deliveries;
  return made;
}

TEST(ChooseOrphan, TakesTheLeastDeliveredAndAmongTheseAny) {
  const std::vector<Orphan> orphans{orphan(2), orphan(1), orphan(3), orphan(1)};

  EXPECT_EQ(choose_orphan(orphans, 0), 1U);
  EXPECT_EQ(choose_orphan(orphans, 1), 3U);
  EXPECT_EQ(choose_orphan(orphans, 12), 1U);
}

class JobsInWorkTest : public ::testing::Test {
 protected:
  JobsInWorkTest() {
    PipelineConfig config;
    config.decode_threads = 1;
    pipeline = std::make_unique<Pipeline>(
        config,
        [this](const std::string&, const SearchSettings&) {
          return Expected<std::unique_ptr<Captioner>>(std::make_unique<FakeCaptioner>(device));
        },
        [this](const Job&, FileBuffer&, const OnDecode&) {
          go.wait();
          LoadFailed missing;
          missing.failed.reason = Reason::missing;
          return LoadOutcome(missing);
        },
        events());
    EXPECT_TRUE(pipeline->wait_ready());
    jobs = std::make_unique<JobsInWork>(*pipeline);
  }
  ~JobsInWorkTest() override {
    open();
    pipeline.reset();
  }
  PipelineEvents events() {
    PipelineEvents made = outlet.events();
    made.finished = [this, all = made.finished](std::vector<Finished> items) {
      {
        const std::lock_guard lock(outlet.mutex);
        for (const Finished& item : items) came_out.push_back(item.job);
      }
      all(std::move(items));
    };
    return made;
  }
  void open() {
    if (!std::exchange(opened, true)) gate.set_value();
  }
  static Job job(std::int64_t id) {
    Job made;
    made.run = run_context();
    made.task.image_id = id;
    return made;
  }

  std::promise<void> gate;
  std::shared_future<void> go{gate.get_future().share()};
  bool opened = false;
  FakeDevice device;
  Outlet outlet;
  std::vector<Job> came_out;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<JobsInWork> jobs;
};

TEST_F(JobsInWorkTest, CountsEachJobOnceHoweverOftenItEnds) {
  jobs->submit({job(1), job(2), job(3)});
  ASSERT_TRUE(outlet.await([&] { return !pipeline->in_work().empty(); }));
  EXPECT_EQ(jobs->size(), 3U);

  EXPECT_EQ(jobs->take_back([](const Job& each) { return each.task.image_id == 3; }).size(), 1U);
  EXPECT_EQ(jobs->size(), 2U);
  open();
  ASSERT_TRUE(outlet.await_results(2));
  for (const Job& each : came_out) jobs->ended(each);
  for (const Job& each : came_out) jobs->ended(each);

  EXPECT_EQ(jobs->size(), 0U);
  EXPECT_EQ(jobs->room(), jobs->jobs_max());
}

TEST_F(JobsInWorkTest, TheSameTaskSubmittedTwiceCountsTwice) {
  jobs->submit({job(1)});
  jobs->submit({job(1)});
  open();
  ASSERT_TRUE(outlet.await([&] { return came_out.size() == 2; }));

  jobs->ended(came_out[0]);
  EXPECT_EQ(jobs->size(), 1U);
  jobs->ended(came_out[1]);
  EXPECT_TRUE(jobs->empty());
}

TEST_F(JobsInWorkTest, WhatIsGivenUpIsNotWaitedForAndMayStillComeOut) {
  jobs->submit({job(1)});
  ASSERT_TRUE(outlet.await([&] { return !pipeline->in_work().empty(); }));
  EXPECT_FALSE(jobs->only_given_up());

  jobs->give_up(jobs->by_thread().front().jobs.front());
  EXPECT_TRUE(jobs->only_given_up());
  EXPECT_EQ(jobs->size(), 1U);
  open();
  ASSERT_TRUE(outlet.await_results(1));
  jobs->ended(came_out.front());

  EXPECT_TRUE(jobs->empty());
}

TEST(Watchdog, DoesNotCountTheTimeInWhichTheProcessStoodStill) {
  Watchdog dog{WatchdogSettings()};
  const auto now = Watchdog::Clock::now();
  const auto begun = now - 100s;
  dog.tick(now - 90s, 100ms);
  dog.tick(now - 30s, 100ms);  // SIGSTOP for a minute
  dog.tick(now - 29'800ms, 100ms);

  const auto worked = dog.worked_since(begun);

  EXPECT_GE(worked, 40s);
  EXPECT_LT(worked, 45s);
  EXPECT_GE(dog.worked_since(now - 20s), 20s) << "what began afterwards has worked all the time";
}

TEST(Watchdog, ReplacesAWorkerThatHoldsTooMuchAndRefusesALimitThatIsTooLow) {
  WatchdogSettings settings;
  settings.memory_max_bytes = 100 << 20;
  const Watchdog dog(settings);

  EXPECT_FALSE(dog.judge_memory(100 << 20, 0));
  const auto leaked = dog.judge_memory(101 << 20, 7), small = dog.judge_memory(101 << 20, 0);

  ASSERT_TRUE(leaked);
  EXPECT_EQ(leaked->code, kExitReplaceMe);
  ASSERT_TRUE(small);
  EXPECT_EQ(small->code, kExitEnvironment);
  EXPECT_THAT(small->why, HasSubstr("allow it more"));
}

TEST(Watchdog, SaysWhatStandsStillAndWhenItIsStuck) {
  WatchdogSettings settings;
  settings.standstill_limit = 60s;
  Watchdog dog(settings);
  const auto start = Watchdog::Clock::now();
  dog.moved(start);

  EXPECT_THAT(dog.standstill(3, false, 10s, start + 30s), IsEmpty());
  EXPECT_THAT(dog.standstill(3, false, 10s, start + 31s), HasSubstr("holds 3 tasks"));
  EXPECT_FALSE(dog.is_stuck());
  EXPECT_THAT(dog.standstill(3, false, 10s, start + 61s), HasSubstr("61 s"));
  EXPECT_TRUE(dog.is_stuck());
  EXPECT_THAT(dog.standstill(0, false, 10s, start + 62s), IsEmpty()) << "it holds nothing";
  EXPECT_FALSE(dog.is_stuck());
}

}  // namespace
}  // namespace photoscribe
