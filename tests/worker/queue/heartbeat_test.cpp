#include "worker/queue/heartbeat.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/host_names.h"
#include "tests/worker/queue/consumer_fixture.h"

namespace photoscribe {
namespace {

using namespace std::chrono_literals;

TEST(Heartbeat, StopsAtOnceWhileItsServersNameIsLookedUp) {
  test::HangingNames names;
  redis::Endpoint endpoint;
  endpoint.host = test::kHangingHost;
  Heartbeat heart(endpoint, redis::ConnectionOptions{"heart", 60'000ms, 60'000ms}, "worker-1");
  while (names.blocked() == 0) std::this_thread::yield();

  heart.stop();

  EXPECT_EQ(names.blocked(), 1) << "the name is still being looked up";
}

using HeartbeatOfALoop = ConsumerTest;

TEST_F(HeartbeatOfALoop, StandsStillWhileTheLoopDoes) {
  const auto run = make_run(1);
  std::atomic<bool> alive{true};
  Heartbeat heart(*redis::parse_endpoint(server.url()), {}, "worker-1",
                  [&] { return alive.load(); });
  const auto counter = [&]() -> std::int64_t {
    for (const redis::Holder& holder : ok(queue.holders(run)))
      if (holder.name == "worker-1") return holder.counter.value_or(0);
    return 0;
  };
  heart.set_runs({{run, 5ms}});
  ASSERT_TRUE(eventually([&] { return counter() > 2; }));

  alive = false;
  std::int64_t last = -1;
  // The last beat may be on its way: soon two looks, 40 beats apart, see the same.
  ASSERT_TRUE(eventually([&] {
    last = counter();
    std::this_thread::sleep_for(200ms);  // time is what is looked at here
    return counter() == last;
  }));

  alive = true;
  EXPECT_TRUE(eventually([&] { return counter() > last; }));
}

}  // namespace
}  // namespace photoscribe
