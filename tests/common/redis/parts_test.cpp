#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/redis/command.h"
#include "common/redis/entry_id.h"
#include "common/redis/errors.h"
#include "common/redis/identity.h"
#include "common/redis/liveness.h"
#include "common/redis/parser.h"
#include "common/redis/server_info.h"

namespace photoscribe::redis {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using namespace std::string_literals;
using namespace std::string_view_literals;

TEST(EntryId, ReadsBackWhatItWritesAndNothingElse) {
  const EntryId largest{18446744073709551615ULL, 7};

  EXPECT_EQ(to_string(largest), "18446744073709551615-7");
  EXPECT_EQ(parse_entry_id("18446744073709551615-7"), largest);
  for (const char* bad : {"", "-", "1", "1-", "-1", "1-2-3", "01-2", "1-02", "1 -2", "+1-2",
                          "18446744073709551616-0", "1-2 "}) {
    EXPECT_FALSE(parse_entry_id(bad)) << bad;
  }
}

TEST(EntryId, OrdersByTimeThenSequence) {
  EXPECT_LT((EntryId{1, 99}), (EntryId{2, 0}));
  EXPECT_LT((EntryId{2, 0}), (EntryId{2, 1}));
}

TEST(Command, WritesRawBytesInResp) {
  Command command("XADD");
  command << "a\0\r\nb"sv << -7 << EntryId{3, 4} << std::uint64_t{18446744073709551615ULL};
  std::string out;
  command.write_to(out);

  EXPECT_EQ(out,
            "*5\r\n$4\r\nXADD\r\n$5\r\na\0\r\nb\r\n$2\r\n-7\r\n$3\r\n3-4\r\n"
            "$20\r\n18446744073709551615\r\n"s);
  EXPECT_EQ(command.name(), "XADD");
  EXPECT_EQ(command.words(), 5U);
}

TEST(Parser, TakesRepliesByteByByte) {
  const std::string bytes = "*3\r\n$3\r\na\0b\r\n:-12\r\n*2\r\n$-1\r\n+OK\r\n-ERR no\r\n"s;
  Parser parser;
  std::vector<Reply> replies;
  for (const char byte : bytes) {
    parser.feed(std::string_view(&byte, 1));
    Expected<std::optional<Reply>> reply = parser.next();
    ASSERT_TRUE(reply);
    if (*reply) replies.push_back(std::move(**reply));
  }

  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0][0].text(), "a\0b"sv);
  EXPECT_EQ(replies[0][1].integer(), -12);
  EXPECT_TRUE(replies[0][2][0].is_nil());
  EXPECT_EQ(replies[0][2][1].text(), "OK");
  EXPECT_TRUE(replies[0][9][9].is_nil());
  EXPECT_TRUE(replies[1].is_error());
}

TEST(Parser, RefusesAnArrayThatIsLongerThanAnyAnswer) {
  Parser parser;
  parser.feed("*1000100001\r\n");  // hiredis would ask for 8 GB before the first element

  const auto reply = parser.next();

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::redis_unavailable);
}

TEST(Parser, RefusesBytesThatAreNotResp) {
  Parser parser;
  parser.feed("HTTP/1.1 400 Bad Request\r\n");

  const auto reply = parser.next();

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::redis_unavailable);
}

TEST(Reply, GivesANumberOnlyForWholeNumbers) {
  Parser parser;
  parser.feed("*4\r\n$2\r\n42\r\n$3\r\n4 2\r\n$0\r\n\r\n$20\r\n99999999999999999999\r\n");
  const Reply reply = std::move(**parser.next());

  EXPECT_EQ(reply[0].number(), 42);
  EXPECT_FALSE(reply[1].number());
  EXPECT_FALSE(reply[2].number());
  EXPECT_FALSE(reply[3].number());
}

TEST(ErrorOfReply, TellsTransientFromLostRunsFromRefusals) {
  struct Case {
    const char* reply;
    Errc code;
  };
  for (const Case& c : {
           Case{"LOADING Redis is loading the dataset in memory", Errc::redis_unavailable},
           Case{"OOM command not allowed when used memory > 'maxmemory'.", Errc::redis_unavailable},
           Case{"MISCONF Redis is configured to save RDB snapshots", Errc::redis_unavailable},
           Case{"READONLY You can't write against a read only replica.", Errc::redis_unavailable},
           Case{"TRYAGAIN Multiple keys request during rehashing of slot", Errc::redis_unavailable},
           Case{"CLUSTERDOWN The cluster is down", Errc::redis_unavailable},
           Case{"MASTERDOWN Link with MASTER is down", Errc::redis_unavailable},
           Case{"ERR max number of clients reached", Errc::redis_unavailable},
           Case{"ERR Error running script (call to f_1): @user_script:6: -OOM command not allowed",
                Errc::redis_unavailable},
           Case{"ERR Error running script (call to f_1): @user_script:6: @user_script: 6: -NOGROUP "
                "No such key",
                Errc::run_gone},
           Case{"NOGROUP No such key 'x' or consumer group", Errc::run_gone},
           Case{"RUNGONE no spec", Errc::run_gone},
           Case{"UNBLOCKED the stream key no longer exists", Errc::run_gone},
           Case{"UNBLOCKED force unblock from blocking operation, instance state changed "
                "(master -> replica?)",
                Errc::redis_unavailable},
           Case{"WRONGTYPE Operation against a key", Errc::run_gone},
           Case{"NOPERM this user has no permissions", Errc::redis_refused},
           Case{"ERR syntax error", Errc::redis_refused},
       }) {
    EXPECT_EQ(error_of_reply(c.reply, "op").code, c.code) << c.reply;
  }
}

TEST(ErrorOfReply, SaysTheCure) {
  EXPECT_THAT(error_of_reply("NOAUTH Authentication required.", "op").message,
              HasSubstr("PHOTOSCRIBE_REDIS_PASSWORD"));
  EXPECT_THAT(error_of_reply("WRONGPASS invalid username-password pair", "op").message,
              HasSubstr("check the user"));
  EXPECT_THAT(error_of_reply("ERR unknown command 'XAUTOCLAIM'", "op").message,
              HasSubstr("6.2 or later"));
  EXPECT_EQ(error_of_reply("ERR a\nb", "op").message, "op: ERR a");
}

TEST(Identity, MakesNamesThatAreNeverTheSame) {
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    names.insert(new_consumer_name());
    names.insert(new_incarnation());
  }

  EXPECT_EQ(names.size(), 2000U);
  EXPECT_TRUE(is_incarnation(new_incarnation()));
  EXPECT_FALSE(is_incarnation(std::string(31, 'a')));
  EXPECT_FALSE(is_incarnation(std::string(32, 'G')));
}

TEST(Identity, KeepsConsumerNamesFreeOfBytesThatScriptsGiveAMeaning) {
  const std::string name = new_consumer_name("gpu#hand 0\n");

  EXPECT_EQ(name.find_first_of("# \n"), std::string::npos);
  EXPECT_TRUE(name.starts_with("gpu_hand_0_-"));
}

std::vector<Holder> holders(std::optional<std::int64_t> counter) {
  return {Holder{"w1", 1, counter}};
}

class LivenessTest : public ::testing::Test {
 protected:
  static constexpr milliseconds kLease{900};
  void look(std::optional<std::int64_t> counter, int at_ms) {
    liveness.observe(holders(counter), Liveness::Clock::time_point(milliseconds(at_ms)));
  }
  Liveness liveness{kLease};
};

TEST_F(LivenessTest, CallsAHolderDeadWhenItsCounterStoodStillForALease) {
  for (const int at : {0, 300, 600}) look(7, at);
  EXPECT_FALSE(liveness.is_dead("w1"));

  look(7, 900);

  EXPECT_TRUE(liveness.is_dead("w1"));
  ASSERT_EQ(liveness.dead().size(), 1U);
  EXPECT_EQ(liveness.dead()[0].counter, 7);
  EXPECT_EQ(liveness.living(), 0U);
}

TEST_F(LivenessTest, StartsAnewWhenTheCounterMoves) {
  for (const int at : {0, 300, 600}) look(7, at);
  for (const int at : {900, 1200, 1500}) look(8, at);

  EXPECT_FALSE(liveness.is_dead("w1"));
  EXPECT_EQ(liveness.living(), 1U);
}

TEST_F(LivenessTest, StartsAnewAtAReconnect) {
  for (const int at : {0, 300, 600}) look(7, at);
  liveness.forget();
  for (const int at : {900, 1200, 1500}) look(7, at);

  EXPECT_FALSE(liveness.is_dead("w1"));
}

TEST_F(LivenessTest, DoesNotCountTimeInWhichItDidNotLook) {
  look(7, 0);
  look(7, 3'600'000);  // the judge, or the server, stood still for an hour: nobody could beat

  EXPECT_FALSE(liveness.is_dead("w1"));
}

TEST_F(LivenessTest, CountsAHolderWithoutCounterAsStandingStill) {
  for (const int at : {0, 300, 600, 900}) look(std::nullopt, at);

  EXPECT_TRUE(liveness.is_dead("w1"));
  EXPECT_FALSE(liveness.dead()[0].counter);
  EXPECT_EQ(liveness.living(), 0U);
}

TEST_F(LivenessTest, DoesNotJudgeWhomItNeverSaw) { EXPECT_FALSE(liveness.is_dead("w2")); }

TEST_F(LivenessTest, ForgetsHoldersThatAreGone) {
  for (const int at : {0, 300, 600}) look(7, at);
  liveness.observe({}, Liveness::Clock::time_point(milliseconds(700)));
  look(7, 900);

  EXPECT_FALSE(liveness.is_dead("w1"));
}

ServerInfo good_server() {
  return parse_server_info(
      "# Server\r\nredis_version:6.2.0\r\nrun_id:abc\r\nloading:0\r\nmaxmemory:0\r\n"
      "maxmemory_policy:allkeys-lru\r\nrole:master\r\ncluster_enabled:0\r\naof_enabled:1\r\n");
}

TEST(ServerInfo, AcceptsAnyPolicyWithoutALimit) {
  const ServerInfo info = good_server();

  EXPECT_TRUE(check_server(info));
  EXPECT_EQ(info.run_id, "abc");
  EXPECT_TRUE(info.persistent);
}

TEST(ServerInfo, RefusesEvictionUnderALimitAndSaysWhatToDo) {
  ServerInfo info = good_server();
  info.maxmemory = 1 << 30;

  const Status status = check_server(info);

  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::redis_refused);
  EXPECT_THAT(status.error().message, HasSubstr("maxmemory-policy noeviction"));
}

TEST(ServerInfo, RefusesWhatIsTooOldOrClusteredAndWaitsForReplicasAndLoading) {
  for (const char* version : {"6.0.16", "5.0.3", ""}) {
    ServerInfo info = good_server();
    info.version = version;
    EXPECT_EQ(check_server(info).error().code, Errc::redis_refused) << version;
  }
  ServerInfo info = good_server();
  info.version = "10.0.1";
  EXPECT_TRUE(check_server(info));
  info.cluster = true;
  EXPECT_EQ(check_server(info).error().code, Errc::redis_refused);
  info.role = "slave";
  EXPECT_EQ(check_server(info).error().code, Errc::redis_unavailable);
  info = good_server();
  info.loading = true;
  EXPECT_EQ(check_server(info).error().code, Errc::redis_unavailable);
}

}  // namespace
}  // namespace photoscribe::redis
