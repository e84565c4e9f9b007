#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "common/core/rate_meter.h"
#include "scheduler/process/restart_policy.h"
#include "scheduler/queue/window.h"
#include "scheduler/run/batch_job.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ChildEnd killed_after(milliseconds alive) { return ChildEnd{0, 9, alive}; }
ChildEnd exited_after(int code, milliseconds alive) { return ChildEnd{code, 0, alive}; }

TEST(WindowRoom, CountsTheLargerOfStreamAndUnrecorded) {
  EXPECT_EQ(window_room(100, 30, 80, 1'000), 20);
  EXPECT_EQ(window_room(100, 80, 30, 1'000), 20);
}

TEST(GenerationOf, IsHalfOfWhatIsAskedForAndOfAQuarterOfALimitedMemory) {
  EXPECT_EQ(generation_of(500'000, 0), 250'000);
  EXPECT_EQ(generation_of(500'000, 1'200'000'000), 250'000);
  EXPECT_EQ(generation_of(500'000, 120'000'000), 50'000);
  EXPECT_EQ(generation_of(0, 0), 0);
  EXPECT_EQ(generation_of(500'000, 100), 0);
}

TEST(WindowRoom, IsNeverNegativeNorMoreThanAChunk) {
  EXPECT_EQ(window_room(100, 150, 0, 1'000), 0);
  EXPECT_EQ(window_room(100'000, 0, 0, 1'000), 1'000);
}

TEST(RestartPolicy, GivesUpAfterFiveQuickDeathsInARow) {
  RestartPolicy policy;

  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(policy.ended(killed_after(seconds(1)), false).give_up) << i;
  }
  EXPECT_TRUE(policy.ended(killed_after(seconds(1)), false).give_up);
}

TEST(RestartPolicy, ForgetsQuickDeathsOnceAWorkerLivedLongEnough) {
  RestartPolicy policy;

  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 4; ++i) {
      EXPECT_FALSE(policy.ended(killed_after(seconds(1)), false).give_up);
    }
    EXPECT_FALSE(policy.ended(killed_after(seconds(31)), false).give_up);
  }
}

TEST(RestartPolicy, LetsPhotosThatKillTheirWorkerBeCondemnedOneAfterTheOther) {
  RestartPolicy policy;

  // Thirty such photos: three deaths each, and the third brings a result.
  for (int death = 1; death <= 90; ++death) {
    const bool progressed = death % 3 == 0;
    EXPECT_FALSE(policy.ended(killed_after(milliseconds(300)), progressed).give_up) << death;
  }
}

TEST(RestartPolicy, ReplacesAWorkerThatAsksForItAtOnce) {
  RestartPolicy policy;

  EXPECT_EQ(policy.ended(exited_after(kWorkerExitReplace, seconds(60)), false).delay.count(), 0);
}

TEST(RestartPolicy, WaitsLongerAfterEachQuickDeathUpToALimit) {
  RestartSettings settings;
  settings.quick_deaths_max = 100;
  RestartPolicy policy(settings);

  milliseconds before{0};
  for (int i = 0; i < 50; ++i) {
    const milliseconds delay = policy.ended(killed_after(seconds(1)), false).delay;
    EXPECT_GE(delay, before);
    EXPECT_LE(delay, settings.delay_max);
    before = delay;
  }
  EXPECT_EQ(before, settings.delay_max);
}

TEST(RestartPolicy, GivesUpAtOnceOnArgumentsThatTheWorkerRefuses) {
  RestartPolicy policy;

  EXPECT_TRUE(policy.ended(exited_after(kWorkerExitUsage, milliseconds(20)), false).give_up);
}

TEST(RateMeter, TellsTheRateOfTheLastWindowOnly) {
  RateMeter meter(seconds(30));
  RateMeter::Clock::time_point now{};

  for (int second = 0; second <= 60; ++second) {  // 100 a second, then 10 a second
    meter.sample(now + seconds(second), second <= 30 ? second * 100 : 3'000 + (second - 30) * 10);
  }

  EXPECT_NEAR(meter.per_second(), 10, 0.01);
  ASSERT_TRUE(meter.left(100));
  EXPECT_EQ(meter.left(100)->count(), 10);
}

TEST(RateMeter, KnowsNothingBeforeTheSecondSampleAndWhileNothingHappens) {
  RateMeter meter;
  RateMeter::Clock::time_point now{};

  EXPECT_EQ(meter.per_second(), 0);
  meter.sample(now, 5);
  EXPECT_EQ(meter.per_second(), 0);
  meter.sample(now + seconds(5), 5);
  EXPECT_EQ(meter.per_second(), 0);
  EXPECT_FALSE(meter.left(10));
}

TEST(RateMeter, MergesSamplesThatComeTooFastAndStillCountsThemAll) {
  RateMeter meter(seconds(30));
  RateMeter::Clock::time_point now{};

  for (int i = 0; i <= 10'000; ++i) meter.sample(now + milliseconds(i), i);

  EXPECT_NEAR(meter.per_second(), 1'000, 1);
}

RunRequest request_for(const std::string& devices) {
  RunRequest request;
  request.model_folder = "/models/a";
  request.devices = devices;
  return request;
}

std::string device_of(const std::string& devices, int index, int workers) {
  const auto words = worker_arguments(request_for(devices), {}, redis::Endpoint{}, index, workers);
  const auto at = std::find(words.begin(), words.end(), "--devices");
  return at == words.end() ? "" : *(at + 1);
}

TEST(WorkerArguments, DealOutTheDevices) {
  EXPECT_EQ(device_of("cuda:0,cuda:1", 0, 2), "cuda:0");
  EXPECT_EQ(device_of("cuda:0,cuda:1", 1, 2), "cuda:1");
  EXPECT_EQ(device_of("cuda:0,cuda:1", 2, 4), "cuda:0");
  EXPECT_EQ(device_of("cuda:0,cuda:1,cuda:2", 0, 2), "cuda:0,cuda:2");
  EXPECT_EQ(device_of("cuda:0,cuda:1", 0, 1), "cuda:0,cuda:1");
  EXPECT_EQ(device_of("auto", 1, 2), "auto");
}

TEST(WorkerArguments, NameEveryRootAndNoPassword) {
  redis::Endpoint endpoint;
  endpoint.host = "queue.example";
  endpoint.password = "secret";
  std::vector<Root> roots(2);
  roots[0].name = "photos";
  roots[0].folder = "/mnt/with = sign";
  roots[1].name = "more";
  roots[1].folder = "/more";

  const auto words = worker_arguments(request_for("cpu"), roots, endpoint, 0, 1);

  EXPECT_THAT(words, ::testing::IsSupersetOf({"--root", "photos=/mnt/with = sign", "more=/more",
                                              "--supervised", "/models/a"}));
  for (const std::string& word : words) EXPECT_EQ(word.find("secret"), std::string::npos) << word;
}

}  // namespace
}  // namespace photoscribe
