// What is counted by several threads at once, and a loop that reports whether it runs.
#include "common/core/counters.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "common/core/health.h"

namespace photoscribe {
namespace {

using namespace std::chrono_literals;

TEST(Histogram, CountsWhatLiesAtABoundBelowIt) {
  Histogram histogram(kSecondsBounds);
  for (const double value : {0.0, 0.0005, 0.00051, 60.0, 61.0}) histogram.observe(value);

  EXPECT_EQ(histogram.bucket(0), 2U);
  EXPECT_EQ(histogram.bucket(1), 1U);
  EXPECT_EQ(histogram.bucket(14), 1U);
  EXPECT_EQ(histogram.bucket(15), 1U) << "above all bounds";
  EXPECT_DOUBLE_EQ(histogram.sum(), 121.00101);
}

TEST(Histogram, LosesNothingOfManyThreads) {
  Histogram histogram(kPhotosBounds);
  Counter counter;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) histogram.observe(i % 20), counter.add();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t all = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) all += histogram.bucket(i);
  EXPECT_EQ(all, 40'000U);
  EXPECT_EQ(counter.value(), 40'000U);
  EXPECT_DOUBLE_EQ(histogram.sum(), 40'000 * 9.5);
}

const Health::Clock::time_point kStart = Health::Clock::now();

TEST(Health, IsNotReadyBeforeItsLoopBegins) {
  const Health health(10s, "opening the model");

  EXPECT_TRUE(health.alive(kStart + 1h)) << "opening a model may take long";
  EXPECT_FALSE(health.report(kStart).ready);
  EXPECT_EQ(health.report(kStart).why, "opening the model");
}

TEST(Health, DiesWhenItsLoopStandsStillAndLivesAgain) {
  Health health(10s);
  health.tick(kStart, "");
  EXPECT_TRUE(health.report(kStart + 10s).ready);

  EXPECT_FALSE(health.alive(kStart + 11s));
  const auto dead = health.report(kStart + 11s);
  EXPECT_FALSE(dead.alive || dead.ready);
  EXPECT_EQ(dead.why, "its loop has stood still for 11 s");

  health.tick(kStart + 12s, "none of its roots can be read");
  EXPECT_TRUE(health.alive(kStart + 13s));
  EXPECT_FALSE(health.report(kStart + 13s).ready);
}

TEST(Health, NeedsNoLoopWhileItRests) {
  Health health(10s);
  health.tick(kStart, "");
  health.rest("finishing");
  const auto resting = health.report(kStart + 1h);
  EXPECT_TRUE(resting.alive);
  EXPECT_FALSE(resting.ready);
  EXPECT_EQ(resting.why, "finishing");
}

}  // namespace
}  // namespace photoscribe
