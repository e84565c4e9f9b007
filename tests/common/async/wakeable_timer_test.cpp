#include "common/async/wakeable_timer.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "common/async/rethrow.h"

namespace photoscribe {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> rest_long(WakeableTimer& timer, int& rests) {
  co_await timer.rest(1h);
  ++rests;
}

TEST(WakeableTimer, KeepsAWakeThatCameBeforeTheRestAndOnlyOne) {
  asio::io_context io{1};
  WakeableTimer timer(io);
  int rests = 0;
  timer.wake();
  timer.wake();

  asio::co_spawn(io, rest_long(timer, rests), rethrow);
  io.run();
  EXPECT_EQ(rests, 1);

  io.restart();
  asio::co_spawn(io, rest_long(timer, rests), rethrow);
  io.poll();
  EXPECT_EQ(rests, 1) << "the second wake of before was not a second one";
  timer.wake();
  io.run();
  EXPECT_EQ(rests, 2);
}

asio::awaitable<void> throws() {
  co_await sleep_for(1ms);
  throw std::logic_error("a bug");
}

TEST(Rethrow, LetsABugOutOfRun) {
  asio::io_context io{1};
  asio::co_spawn(io, throws(), rethrow);

  EXPECT_THROW(io.run(), std::logic_error);
}

}  // namespace
}  // namespace photoscribe
