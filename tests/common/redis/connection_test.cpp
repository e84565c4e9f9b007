#include "common/redis/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <thread>

#include "common/redis/server_info.h"
#include "tests/support/host_names.h"
#include "tests/support/redis_server.h"
#include "tests/support/run_coroutine.h"

namespace photoscribe::redis {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;
using namespace std::string_literals;

class ConnectionTest : public ::testing::Test {
 protected:
  Connection connect_to(const std::string& url, const std::string& password = {}) {
    Endpoint endpoint = *parse_endpoint(url);
    if (!password.empty()) endpoint.password = password;
    return Connection(io.get_executor(), endpoint);
  }
  Status connect(Connection& connection) { return test::run(io, connection.connect()); }
  Expected<Reply> call(Connection& connection, Command command,
                       milliseconds timeout = milliseconds(5000)) {
    return test::run(io, connection.call(std::move(command), timeout));
  }
  /// A call that nobody answers, and `action` while it waits.
  template <class Action>
  Expected<Reply> blocked_while(Connection& connection, Action action) {
    std::optional<Expected<Reply>> result;
    Command command{"BLPOP", "nothing", "0"};
    boost::asio::co_spawn(
        io, connection.call(std::move(command), milliseconds(5000)),
        [&](std::exception_ptr, Expected<Reply> reply) { result = std::move(reply); });
    boost::asio::post(io, action);  // runs after the call has begun
    io.restart();
    io.run();
    return std::move(*result);
  }
  boost::asio::io_context io;
};

TEST_F(ConnectionTest, CarriesBytesOfAnyKind) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));
  const std::string value = "a\0\r\n\xff"s + std::string(300'000, 'x');

  ASSERT_TRUE(call(connection, Command{"SET", "k\0y"s, value}));

  EXPECT_EQ(call(connection, Command{"GET", "k\0y"s})->text(), value);
  EXPECT_TRUE(call(connection, Command{"GET", "k"})->is_nil());
}

TEST_F(ConnectionTest, PipelinesManyCommandsAndKeepsErrorsInTheirPlace) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));
  std::vector<Command> commands;
  for (int i = 0; i < 20'000; ++i) commands.emplace_back("INCR") << (i == 7 ? "text" : "n");
  ASSERT_TRUE(call(connection, Command{"SET", "text", "x"}));

  const auto replies = test::run(io, connection.call_many(std::move(commands)));

  ASSERT_TRUE(replies);
  ASSERT_EQ(replies->size(), 20'000U);
  EXPECT_TRUE((*replies)[7].is_error());
  EXPECT_EQ(replies->back().integer(), 19'999);
}

TEST_F(ConnectionTest, SelectsTheDatabaseAndSaysItsName) {
  test::RedisServer server;
  Endpoint endpoint = *parse_endpoint(server.url() + "?db=3");
  Connection connection(io.get_executor(), endpoint, [] {
    ConnectionOptions options;
    options.client_name = "photoscribe worker";
    return options;
  }());
  ASSERT_TRUE(connect(connection));

  const auto about = call(connection, Command{"CLIENT", "LIST"});

  EXPECT_THAT(std::string(about->text()), HasSubstr("name=photoscribe_worker"));
  EXPECT_THAT(std::string(about->text()), HasSubstr("db=3"));
}

TEST_F(ConnectionTest, SaysWhereNobodyAnswers) {
  const test::TempDir folder;
  Connection connection = connect_to("unix:" + folder.file("none.sock"));

  const Status status = connect(connection);

  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::redis_unavailable);
  EXPECT_THAT(status.error().message, HasSubstr("none.sock"));
  EXPECT_EQ(call(connection, Command{"PING"}).error().code, Errc::redis_unavailable);
}

TEST_F(ConnectionTest, GivesUpAtTheDeadlineAndNeverReadsTheLateAnswer) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));
  server.pause();
  const auto begun = steady_clock::now();

  const auto reply = call(connection, Command{"INCR", "n"}, milliseconds(50));

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::redis_unavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("50 ms"));
  EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(10));
  EXPECT_FALSE(connection.is_open());
  server.resume();
  ASSERT_TRUE(connect(connection));
  EXPECT_EQ(connection.generation(), 2U);
  EXPECT_EQ(call(connection, Command{"ECHO", "fresh"})->text(), "fresh");
}

TEST_F(ConnectionTest, GivesUpConnectingAtTheDeadline) {
  test::RedisServer server;
  ConnectionOptions options;
  options.connect_timeout = milliseconds(50);
  Connection connection(io.get_executor(), *parse_endpoint(server.url()), options);
  server.pause();

  const Status status = connect(connection);

  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::redis_unavailable);
  server.resume();
}

TEST_F(ConnectionTest, ReportsAServerKilledInMidCallAndConnectsAgain) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));

  const auto reply = blocked_while(connection, [&] { server.kill(); });

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::redis_unavailable);
  server.start();
  ASSERT_TRUE(connect(connection));
  EXPECT_EQ(call(connection, Command{"PING"})->text(), "PONG");
}

TEST_F(ConnectionTest, CloseEndsACallAsCancelled) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));

  const auto reply = blocked_while(connection, [&] { connection.close(); });

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::cancelled);
  ASSERT_TRUE(connect(connection));
}

TEST_F(ConnectionTest, AsioCancellationEndsACallAsCancelled) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));
  boost::asio::cancellation_signal signal;
  std::optional<Errc> code;
  Command command{"BLPOP", "nothing", "0"};
  boost::asio::co_spawn(io, connection.call(std::move(command), milliseconds(5000)),
                        boost::asio::bind_cancellation_slot(
                            signal.slot(), [&](std::exception_ptr, Expected<Reply> reply) {
                              code = reply ? Errc::internal : reply.error().code;
                            }));
  boost::asio::post(io, [&] { signal.emit(boost::asio::cancellation_type::terminal); });
  io.restart();
  io.run();

  EXPECT_EQ(code, Errc::cancelled);
  EXPECT_FALSE(connection.is_open());
}

TEST_F(ConnectionTest, MayGoWhileACallIsInFlight) {
  test::RedisServer server;
  auto connection = std::make_unique<Connection>(connect_to(server.url()));
  ASSERT_TRUE(connect(*connection));

  const auto reply = blocked_while(*connection, [&] { connection.reset(); });

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::cancelled);
}

TEST_F(ConnectionTest, ServesCallersInOrderAndCountsTheirWait) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));
  std::vector<std::string> order;
  const auto note = [&](std::string name) {
    return [&, name](std::exception_ptr, Expected<Reply> reply) {
      order.push_back(name + (reply ? " ok" : " late"));
      if (name == "second") server.command({"LPUSH", "list", "x"});  // lets the first one go on
    };
  };
  Command slow{"BLPOP", "list", "0"};
  Command second{"PING"};
  Command third{"PING"};
  boost::asio::co_spawn(io, connection.call(std::move(slow), milliseconds(30'000)), note("slow"));
  boost::asio::co_spawn(io, connection.call(std::move(second), milliseconds(20)), note("second"));
  boost::asio::co_spawn(io, connection.call(std::move(third), milliseconds(30'000)), note("third"));
  io.restart();
  io.run();

  EXPECT_THAT(order, ::testing::ElementsAre("second late", "slow ok", "third ok"));
  EXPECT_TRUE(connection.is_open());
}

TEST_F(ConnectionTest, AsksForThePasswordItLacks) {
  test::RedisServer server({.password = "s3cret"});
  Connection without = connect_to(server.url());
  Connection wrong = connect_to(server.url(), "hunter2");
  Connection right = connect_to(server.url(), "s3cret");

  const Status first = connect(without);
  const Status second = connect(wrong);

  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Errc::redis_refused);
  EXPECT_THAT(first.error().message, HasSubstr("PHOTOSCRIBE_REDIS_PASSWORD"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::redis_refused);
  EXPECT_THAT(second.error().message, ::testing::Not(HasSubstr("hunter2")));
  EXPECT_TRUE(connect(right));
}

TEST_F(ConnectionTest, LogsInAsAnAclUserAndSaysWhatItMayNot) {
  test::RedisServer server(
      {.acl_users = {"user worker on >p4ss ~photoscribe:* +get +set -@connection +auth"}});
  std::string url = server.url();
  url.insert(5, "worker@");
  Connection connection = connect_to(url, "p4ss");

  ASSERT_TRUE(connect(connection));  // though it may not CLIENT SETNAME

  EXPECT_TRUE(call(connection, Command{"SET", "photoscribe:x", "1"}));
  const auto refused = call(connection, Command{"SET", "other", "1"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::redis_refused);
  EXPECT_THAT(refused.error().message, HasSubstr("ACL SETUSER"));
}

TEST_F(ConnectionTest, ATransactionIsAllOrNothingAndNamesTheCommandRefused) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));
  std::vector<Command> commands;
  commands.emplace_back(Command{"SET", "a", "1"});
  commands.emplace_back(Command{"NOSUCHCOMMAND"});

  const auto reply = test::run(io, connection.transaction(commands, milliseconds(5000)));

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::redis_refused);
  EXPECT_THAT(reply.error().message, HasSubstr("NOSUCHCOMMAND"));
  EXPECT_EQ(server.command({"EXISTS", "a"}), "0");
  commands.pop_back();
  ASSERT_TRUE(test::run(io, connection.transaction(commands, milliseconds(5000))));
}

TEST_F(ConnectionTest, ReadsWhatTheServerSaysOfItself) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));
  const auto before = test::run(io, read_server_info(connection));
  ASSERT_TRUE(before);
  EXPECT_EQ(before->run_id.size(), 40U);
  EXPECT_EQ(before->role, "master");
  EXPECT_TRUE(check_server(*before));

  server.command({"CONFIG", "SET", "maxmemory", "100mb"});
  server.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});

  const auto after = test::run(io, read_server_info(connection));
  EXPECT_EQ(check_server(*after).error().code, Errc::redis_refused);
  server.restart();
  ASSERT_TRUE(connect(connection));
  EXPECT_NE(test::run(io, read_server_info(connection))->run_id, before->run_id);
}

TEST_F(ConnectionTest, AReplicaIsTransient) {
  test::RedisServer server;
  Connection connection = connect_to(server.url());
  ASSERT_TRUE(connect(connection));
  server.command({"REPLICAOF", "127.0.0.1", "1"});

  EXPECT_EQ(call(connection, Command{"SET", "a", "1"}).error().code, Errc::redis_unavailable);
  const auto info = test::run(io, read_server_info(connection));
  EXPECT_EQ(check_server(*info).error().code, Errc::redis_unavailable);
}

class TlsTest : public ConnectionTest {
 protected:
  test::RedisServer server{{.tls = true}};
};

TEST_F(TlsTest, TrustsAServerWhoseAuthorityIsNamed) {
  Connection connection = connect_to(server.tls_url());

  const Status status = connect(connection);

  ASSERT_TRUE(status) << status.error().message;
  const std::string value(200'000, 'x');
  ASSERT_TRUE(call(connection, Command{"SET", "k", value}));
  EXPECT_EQ(call(connection, Command{"GET", "k"})->text(), value);
}

TEST_F(TlsTest, RefusesAnUnknownAuthorityAndSaysWhatToDo) {
  const std::string url = "rediss://localhost:" + std::to_string(server.tls_port());
  Connection connection = connect_to(url);

  const Status status = connect(connection);

  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::redis_refused);
  EXPECT_THAT(status.error().message, HasSubstr("?ca=FILE"));
  Connection careless = connect_to(url + "?verify=no");
  EXPECT_TRUE(connect(careless));
}

TEST_F(TlsTest, RefusesACertificateForAnotherName) {
  std::string url = server.tls_url();
  url.replace(url.find("localhost"), 9, "127.0.0.1");
  Connection connection = connect_to(url);

  const Status status = connect(connection);

  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::redis_refused);
}

TEST_F(TlsTest, ReportsAServerKilledInMidCallAndConnectsAgain) {
  Connection connection = connect_to(server.tls_url());
  ASSERT_TRUE(connect(connection));

  const auto reply = blocked_while(connection, [&] { server.kill(); });

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::redis_unavailable);
  server.start();
  EXPECT_TRUE(connect(connection));
}

TEST_F(ConnectionTest, GivesUpANameServerThatDoesNotAnswer) {
  test::HangingNames names;
  ConnectionOptions options;
  options.connect_timeout = milliseconds(100);
  Endpoint endpoint;
  endpoint.host = test::kHangingHost;
  Status late;
  {
    boost::asio::io_context own;
    Connection connection(own.get_executor(), endpoint, options);
    late = test::run(own, connection.connect());
    while (names.blocked() == 0) std::this_thread::yield();
  }  // neither the connection's end nor the io_context's waits for the name

  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::redis_unavailable);
  EXPECT_EQ(names.blocked(), 1) << "the name is still being looked up";
}

TEST_F(ConnectionTest, EndsAtCloseWhileANameIsLookedUp) {
  test::HangingNames names;
  Endpoint endpoint;
  endpoint.host = test::kHangingHost;
  Connection connection(io.get_executor(), endpoint);
  std::optional<Status> ended;
  boost::asio::co_spawn(io, connection.connect(),
                        [&](std::exception_ptr, Status status) { ended = std::move(status); });
  while (names.blocked() == 0) io.run_for(milliseconds(1));

  connection.close();
  io.run_for(std::chrono::seconds(2));

  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->error().code, Errc::cancelled);
}

}  // namespace
}  // namespace photoscribe::redis
