#include "worker/heartbeat.h"

#include <gtest/gtest.h>

#include "tests/support/hanging_names.h"

namespace photoscribe {
namespace {

using namespace std::chrono_literals;

TEST(Heartbeat, StopsAtOnceWhileItsServersNameIsLookedUp) {
  test::HangingNames names;
  redis::Endpoint endpoint;
  endpoint.host = test::kHangingHost;
  Heartbeat heart(endpoint, redis::ConnectionOptions{"heart", 60'000ms, 60'000ms}, "worker-1");
  while (names.blocked() == 0) std::this_thread::yield();

  const auto began = std::chrono::steady_clock::now();
  heart.stop();

  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
  EXPECT_EQ(names.blocked(), 1) << "the name is still being looked up";
}

}  // namespace
}  // namespace photoscribe
