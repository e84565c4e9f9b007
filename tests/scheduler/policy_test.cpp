#include <gtest/gtest.h>

#include "scheduler/rate_meter.h"
#include "scheduler/restart_policy.h"
#include "scheduler/window.h"

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
    EXPECT_EQ(policy.quick_deaths(), 0);
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

}  // namespace
}  // namespace photoscribe
