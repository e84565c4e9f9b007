#include "common/async/backoff.h"

#include <gtest/gtest.h>

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesUpToItsCapAndTakesARandomHalf) {
  const BackoffSettings settings{milliseconds(100), milliseconds(1000)};

  EXPECT_EQ(backoff(1, 0.0, settings), milliseconds(50));
  EXPECT_EQ(backoff(2, 0.0, settings), milliseconds(100));
  EXPECT_EQ(backoff(4, 0.0, settings), milliseconds(400));
  EXPECT_EQ(backoff(5, 0.0, settings), milliseconds(500));
  EXPECT_EQ(backoff(1'000'000, 0.999999, settings), milliseconds(999));
  EXPECT_EQ(backoff(0, 0.0, settings), milliseconds(50));
}

}  // namespace
}  // namespace photoscribe
