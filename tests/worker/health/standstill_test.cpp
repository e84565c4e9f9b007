// Whether a worker's work gets on.
#include "worker/health/standstill.h"

#include <gtest/gtest.h>

namespace photoscribe {
namespace {

using namespace std::chrono_literals;

TEST(StandstillWatch, CountsOnlyTimeInWhichWorkWaits) {
  const StandstillWatch::Clock::time_point start = StandstillWatch::Clock::now();
  StandstillWatch watch;
  watch.moved(start);
  EXPECT_EQ(watch.still(5, false, start + 4s), 4s);
  EXPECT_EQ(watch.still(5, true, start + 5s), 0s) << "Redis was away";
  EXPECT_EQ(watch.still(5, false, start + 8s), 3s);
  EXPECT_EQ(watch.still(0, false, start + 9s), 0s) << "nothing to do";
  EXPECT_EQ(watch.still(1, false, start + 10s), 1s);
  watch.moved(start + 10s);
  EXPECT_EQ(watch.still(1, false, start + 10s), 0s);
}

}  // namespace
}  // namespace photoscribe
