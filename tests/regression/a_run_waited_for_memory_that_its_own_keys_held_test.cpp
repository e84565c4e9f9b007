// Reported: a run whose keys had to be made again waited for ever, since its own past keys filled
// Redis.
#include <boost/asio/steady_timer.hpp>

#include "tests/scheduler/queue/scheduler_fixture.h"

namespace photoscribe::test {
namespace {

using std::chrono::milliseconds;

// A run given again with other settings needs new keys, and the old ones fill the server.
TEST_F(SchedulerTest, FreesTheMemoryOfItsPastKeysBeforeItMakesNewOnes) {
  make_archive(40);
  make_scheduler();
  add_worker(acting_at(16, [&] { scheduler_->finish_up(); }));
  EXPECT_EQ(run_scheduler(), SchedulerEnd::drained);
  stop_workers();
  server_.command({"HSET", key("seen"), "ballast", std::string(2'000'000, 'x')});
  const std::string info = server_.command({"INFO", "memory"});
  const auto at = info.find("used_memory:") + 12;
  const std::int64_t used = std::stoll(info.substr(at, info.find('\r', at) - at));
  server_.command({"CONFIG", "SET", "maxmemory", std::to_string(used - 500'000)});

  spec_timeout_s_ = 77;
  make_scheduler();
  add_worker();
  boost::asio::steady_timer patience(io_, std::chrono::seconds(10));
  patience.async_wait([&](boost::system::error_code cancelled) {
    if (!cancelled) scheduler_->abort();
  });
  const SchedulerEnd end = run_scheduler();
  patience.cancel();
  stop_workers();

  ASSERT_EQ(end, SchedulerEnd::complete)
      << "it waits for memory that its own past keys hold: " << ::testing::PrintToString(events_);
  expect_everything_done(40);
}

TEST_F(SchedulerTest, MakesTheRunUnderOneNameHoweverOftenAFullServerRefusesIt) {
  make_archive(30);
  server_.command({"CONFIG", "SET", "maxmemory", "1"});
  add_worker();
  boost::asio::steady_timer room(io_, milliseconds(700));
  room.async_wait([&](boost::system::error_code) {
    EXPECT_EQ(sql("SELECT count(*) FROM past_incarnation"), "0");
    server_.command({"CONFIG", "SET", "maxmemory", "0"});
  });

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_GT(scheduler_->now().reconciles, 2);
  EXPECT_EQ(sql("SELECT count(*) FROM past_incarnation"), "1");
  expect_everything_done(30);
}

}  // namespace
}  // namespace photoscribe::test
