// The master of a replicated set, found through real Sentinels, before and after a failover.
#include "common/redis/sentinel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <thread>

#include "common/redis/connection.h"
#include "common/redis/parser.h"
#include "common/redis/server_info.h"
#include "tests/support/replicated_redis.h"
#include "tests/support/run_coroutine.h"

namespace photoscribe::redis {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

Expected<Endpoint> answered(const std::string& bytes) {
  Parser parser;
  parser.feed(bytes);
  const auto reply = parser.next();
  return master_in(**reply, *parse_endpoint("redis+sentinel://u@s/photos/2"));
}

TEST(Sentinel, ItsAnswerIsAHostAndAPort) {
  const auto master = answered("*2\r\n$8\r\n10.0.0.7\r\n$4\r\n6380\r\n");
  ASSERT_TRUE(master);
  EXPECT_EQ(to_string(*master), "redis://u@10.0.0.7:6380/2");
  EXPECT_EQ(answered("*-1\r\n").error().code, Errc::redis_refused);
  EXPECT_EQ(answered("-NOAUTH no\r\n").error().code, Errc::redis_refused);
  for (const char* odd :
       {"*1\r\n$1\r\nx\r\n", "*2\r\n$1\r\nx\r\n$1\r\n0\r\n", "*2\r\n$1\r\nx\r\n$6\r\n700000\r\n",
        "+OK\r\n", ":3\r\n", "*2\r\n$1\r\nx\r\n$2\r\n1x\r\n"}) {
    EXPECT_EQ(answered(odd).error().code, Errc::redis_unavailable) << odd;
  }
}

class SentinelTest : public ::testing::Test {
 protected:
  /// Tries again for up to a minute, as everybody who holds a connection does.
  Status reconnect(Connection& connection) {
    const auto give_up = steady_clock::now() + 60s;
    while (true) {
      const Status connected = test::run(io, connection.connect());
      if (connected || steady_clock::now() > give_up) return connected;
      last_refusal = connected.error().message;
      std::this_thread::sleep_for(50ms);
    }
  }
  Expected<Reply> call(Connection& connection, Command command) {
    return test::run(io, connection.call(std::move(command), 5s));
  }
  boost::asio::io_context io;
  std::string last_refusal;
};

TEST_F(SentinelTest, LeadsToTheMasterAndAfterAFailoverToTheNext) {
  test::ReplicatedRedis set;
  Connection connection(io.get_executor(), *parse_endpoint(set.url()));
  ASSERT_TRUE(reconnect(connection)) << last_refusal;
  ASSERT_TRUE(call(connection, Command{"SET", "k", "kept"}));
  EXPECT_EQ(set.first().command({"GET", "k"}), "kept");
  ASSERT_EQ(test::run(io, connection.call(Command{"WAIT", "1", "5000"}))->integer(), 1);

  set.first().kill();

  EXPECT_FALSE(call(connection, Command{"GET", "k"}));
  ASSERT_TRUE(reconnect(connection)) << last_refusal;
  EXPECT_EQ(call(connection, Command{"GET", "k"})->text(), "kept");
  ASSERT_TRUE(call(connection, Command{"SET", "k", "again"}));
  EXPECT_EQ(set.second().command({"GET", "k"}), "again");
}

TEST_F(SentinelTest, AMasterThatBecameAReplicaIsLeft) {
  test::ReplicatedRedis set;
  Connection connection(io.get_executor(), *parse_endpoint(set.url()));
  ASSERT_TRUE(reconnect(connection)) << last_refusal;
  // Not by the Sentinels, which would cut the connection: it must be noticed by itself.
  set.first().command({"REPLICAOF", "127.0.0.1", std::to_string(set.second().port())});

  const auto refused = call(connection, Command{"SET", "k", "v"});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::redis_unavailable) << refused.error().message;
  EXPECT_FALSE(connection.is_open());
  // Sentinels still believe in it: whoever connects is told that it is none.
  const Status connected = test::run(io, connection.connect());
  ASSERT_FALSE(connected);
  EXPECT_THAT(connected.error().message, HasSubstr("not the master"));
}

TEST_F(SentinelTest, OnesThatAreGoneOrSilentArePassedOver) {
  test::ReplicatedRedis set(3);
  const auto begin = steady_clock::now();
  set.sentinel(0).kill();
  set.sentinel(1).pause();
  Connection connection(io.get_executor(), *parse_endpoint(set.url()));

  ASSERT_TRUE(test::run(io, connection.connect()));
  const auto first = steady_clock::now() - begin;  // holds the wait for the silent one
  // The one that answered is asked first from now on.
  const auto again = steady_clock::now();
  ASSERT_TRUE(test::run(io, connection.connect()));
  EXPECT_LT(steady_clock::now() - again, first);
  set.sentinel(1).resume();
}

TEST_F(SentinelTest, AnUnknownServiceIsRefusedWithTheCure) {
  test::ReplicatedRedis set;
  std::string url = set.url();
  url.replace(url.find("/photos"), 7, "/other");
  Connection connection(io.get_executor(), *parse_endpoint(url));

  const Status refused = test::run(io, connection.connect());

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::redis_refused);
  EXPECT_THAT(refused.error().message, HasSubstr("sentinel monitor"));
}

}  // namespace
}  // namespace photoscribe::redis
