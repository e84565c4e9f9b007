// Whether a worker lives and gets on: the decisions, and what HTTP answers.
#include "worker/health/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "worker/health/health_server.h"

namespace photoscribe {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
namespace asio = boost::asio;

const Health::Clock::time_point kStart = Health::Clock::now();

TEST(Health, IsNotReadyBeforeItsLoopBegins) {
  const Health health(10s);

  EXPECT_TRUE(health.alive(kStart + 1h)) << "opening a model may take long";
  EXPECT_FALSE(health.report(kStart).ready);
  EXPECT_EQ(health.report(kStart).why, "opening the model");
}

TEST(Health, DiesWhenItsLoopStandsStillAndLivesAgain) {
  Health health(10s);
  health.tick(kStart, "");
  EXPECT_TRUE(health.report(kStart + 10s).ready);

  EXPECT_FALSE(health.alive(kStart + 11s));
  const auto dead = health.report(kStart + 11s);
  EXPECT_FALSE(dead.alive || dead.ready);
  EXPECT_EQ(dead.why, "the worker's loop has stood still for 11 s");

  health.tick(kStart + 12s, "none of its roots can be read");
  EXPECT_TRUE(health.alive(kStart + 13s));
  EXPECT_FALSE(health.report(kStart + 13s).ready);
}

TEST(StandstillWatch, CountsOnlyTimeInWhichWorkWaits) {
  StandstillWatch watch;
  watch.moved(kStart);
  EXPECT_EQ(watch.still(5, false, kStart + 4s), 4s);
  EXPECT_EQ(watch.still(5, true, kStart + 5s), 0s) << "Redis was away";
  EXPECT_EQ(watch.still(5, false, kStart + 8s), 3s);
  EXPECT_EQ(watch.still(0, false, kStart + 9s), 0s) << "nothing to do";
  EXPECT_EQ(watch.still(1, false, kStart + 10s), 1s);
  watch.moved(kStart + 10s);
  EXPECT_EQ(watch.still(1, false, kStart + 10s), 0s);
}

TEST(HealthAnswer, KnowsTwoPathsAndTwoMethods) {
  const Health::Report ready{true, true, ""}, waits{true, false, "root a:\n\xff gone"},
      dead{false, false, "still"};
  EXPECT_EQ(health_answer("GET", "/readyz", ready).status, 200);
  EXPECT_EQ(health_answer("HEAD", "/livez?verbose=1", ready).status, 200);
  EXPECT_EQ(health_answer("GET", "/livez", waits).status, 200);
  EXPECT_EQ(health_answer("GET", "/readyz", waits).status, 503);
  EXPECT_EQ(health_answer("GET", "/livez", dead).status, 503);
  EXPECT_THAT(health_answer("GET", "/readyz", waits).body, HasSubstr("\xEF\xBF\xBD gone"));
  EXPECT_EQ(health_answer("POST", "/readyz", ready).status, 405);
  EXPECT_EQ(health_answer("GET", "/", ready).status, 404);
  EXPECT_EQ(health_answer("GET", "/readyz/../../etc/passwd", ready).status, 404);
}

class HealthServerTest : public ::testing::Test {
 protected:
  HealthServerTest() {
    auto started = HealthServer::start("0", [this] { return health_.report(); });
    EXPECT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }
  /// Sends the bytes and reads until the other side closes.
  std::string exchange(const std::string& bytes) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
    boost::system::error_code ignored;  // it may hang up on us
    asio::write(socket, asio::buffer(bytes), ignored);
    std::string answer;
    asio::read(socket, asio::dynamic_buffer(answer), ignored);
    return answer;
  }
  Health health_{10s};
  std::unique_ptr<HealthServer> server_;
};

TEST_F(HealthServerTest, AnswersAsTheWorkerIs) {
  const std::string ask = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_THAT(exchange(ask), StartsWith("HTTP/1.1 503"));
  health_.tick(Health::Clock::now(), "");
  EXPECT_THAT(exchange(ask), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(exchange(ask), HasSubstr("\r\n\r\nready\n"));
  health_.tick(Health::Clock::now(), "Redis does not answer");
  EXPECT_THAT(exchange(ask), HasSubstr("Redis does not answer\n"));
}

TEST_F(HealthServerTest, OutlivesRequestsThatAreNone) {
  for (const std::string& odd :
       {std::string("\r\n\r\n"), std::string("GET /readyz HTTP/9.9\r\n\r\n"),
        "GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n", std::string(50'000, '\0'),
        "GET /livez HTTP/1.1\r\n" + std::string(1'000, 'x') +
            ": y\r\nA: " + std::string(20'000, 'z') + "\r\n\r\n"}) {
    EXPECT_THAT(exchange(odd), testing::Not(HasSubstr("200 OK")));
  }
  EXPECT_THAT(exchange("GET /livez HTTP/1.0\r\n\r\n"), HasSubstr("200 OK"));
}

TEST_F(HealthServerTest, IsOnLoopbackUnlessToldOtherwiseAndSaysWhatIsWrong) {
  const auto nothing = [] { return Health::Report(); };
  const auto taken = HealthServer::start(std::to_string(server_->port()), nothing);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::environment);
  for (const char* wrong : {"", "x", "1.2.3.4:", ":80", "host.example:80", "70000"}) {
    const auto refused = HealthServer::start(wrong, nothing);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Errc::usage) << wrong;
  }
}

}  // namespace
}  // namespace photoscribe
