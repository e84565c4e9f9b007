#include "worker/health/fault_counts.h"

#include <gtest/gtest.h>

namespace photoscribe {
namespace {

using namespace std::chrono_literals;

class Counts : public testing::Test {
 protected:
  bool add(FaultCounts::Clock::duration at, std::uint64_t others_read, std::int64_t image = 1) {
    return counts.add({"run", image, 1}, FaultCounts::Clock::time_point(1'000h) + at, others_read);
  }
  FaultCounts counts;
};

TEST_F(Counts, BlameAPhotoThatFailsAgainAndAgainAmongOthersThatCanBeRead) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(add(i * 10s, 100U + static_cast<unsigned>(i)));
  EXPECT_TRUE(add(40s, 105));
  EXPECT_EQ(counts.faults({"run", 1, 1}), 5);
}

TEST_F(Counts, DoNotAddUpAFewFaultsOverANight) {
  for (unsigned hour = 0; hour < 12; ++hour) EXPECT_FALSE(add(hour * 1h, hour * 50'000)) << hour;
}

TEST_F(Counts, DoNotBlameForASecondOfTrouble) {
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(add(i * 20ms, static_cast<unsigned>(i)));
}

TEST_F(Counts, GiveStorageThatServesNobodyAQuarterOfAnHour) {
  for (int i = 0; i < 90; ++i) EXPECT_FALSE(add(i * 10s, 7)) << i;
  EXPECT_TRUE(add(900s, 7));
}

// A disk with thousands of bad photos and nothing else left to do: hours lie between two tries.
TEST_F(Counts, EndEvenWhenEveryTryIsHoursAfterTheLast) {
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(add(i * 2h, 7));
  EXPECT_TRUE(add(18h, 7));
}

TEST_F(Counts, KeepPhotosApart) {
  for (std::int64_t image = 0; image < 100; ++image) {
    EXPECT_FALSE(add(image * 1s, static_cast<std::uint64_t>(image), image));
  }
}

TEST_F(Counts, ForgetTheQuietestWhenThereAreTooMany) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(add(100'000s + i * 10s, 1U + static_cast<unsigned>(i)));
  for (std::int64_t image = 2; image <= 30'000; ++image) {
    EXPECT_FALSE(add(image * 1ms, 1, image));
  }
  EXPECT_TRUE(add(100'040s, 10)) << "the latest row is still there";
  EXPECT_EQ(counts.faults({"run", 2, 1}), 0);
}

}  // namespace
}  // namespace photoscribe
