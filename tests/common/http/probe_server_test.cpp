// Probes and metrics over HTTP: what is answered, to whom, and that odd bytes do no harm.
#include "common/http/probe_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "common/http/metrics_text.h"
#include "tests/support/http_client.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
namespace asio = boost::asio;
using Type = MetricsText::Type;

TEST(MetricsText, IsPrometheusTextFormat) {
  Counter counter;
  counter.add(3);
  Histogram histogram(kPhotosBounds);
  for (const double photos : {1.0, 2.0, 2.0, 70'000.0}) histogram.observe(photos);
  MetricsText out;
  out.family("a_total", Type::counter, "All.");
  out.sample({{"run", "one \"quoted\" \\ line\nand \xff"}}, counter);
  out.family("b", Type::gauge, "Now.");
  out.sample({}, 0.0005);
  out.sample({{"x", ""}}, 1e15);
  out.family("c", Type::histogram, "Sizes.");
  out.sample({{"stage", "s"}}, histogram);

  EXPECT_THAT(out.text(),
              StartsWith("# HELP a_total All.\n# TYPE a_total counter\n"
                         "a_total{run=\"one \\\"quoted\\\" \\\\ line\\nand \xEF\xBF\xBD\"} 3\n"
                         "# HELP b Now.\n# TYPE b gauge\nb 0.0005\nb{x=\"\"} 1e+15\n"
                         "# HELP c Sizes.\n# TYPE c histogram\n"
                         "c_bucket{stage=\"s\",le=\"1\"} 1\nc_bucket{stage=\"s\",le=\"2\"} 3\n"));
  EXPECT_THAT(out.text(), HasSubstr("c_bucket{stage=\"s\",le=\"+Inf\"} 4\n"
                                    "c_sum{stage=\"s\"} 70005\nc_count{stage=\"s\"} 4\n"));
}

class Probes : public ::testing::Test {
 protected:
  void start(const ProbeOptions& options = {"0", ""}) {
    ProbeSources sources;
    sources.health = [this] { return health_.report(); };
    sources.metrics = [] { return std::string("up 1\n"); };
    auto started = ProbeServer::start(options, std::move(sources));
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }
  static Expected<std::unique_ptr<ProbeServer>> try_start(const ProbeOptions& options) {
    return ProbeServer::start(options, {[] { return Health::Report(); }, [] { return ""; }});
  }
  test::HttpReply get(const std::string& path, test::HttpCall call = {}) const {
    call.target = path;
    return test::http(server_->port(), call);
  }
  /// Sends the bytes and reads until the other side closes.
  std::string exchange(const std::string& bytes) const {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
    boost::system::error_code ignored;  // it may hang up on us
    asio::write(socket, asio::buffer(bytes), ignored);
    std::string answer;
    asio::read(socket, asio::dynamic_buffer(answer), ignored);
    return answer;
  }
  Health health_{10s, "opening the model"};
  test::TempDir folder_;
  std::unique_ptr<ProbeServer> server_;
};

TEST_F(Probes, AnswersAsTheLoopIs) {
  start();
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/readyz").body, "opening the model\n");
  EXPECT_EQ(get("/livez").status, 200);
  health_.tick(Health::Clock::now(), "");
  EXPECT_EQ(get("/readyz?verbose=1").body, "ready\n");
  health_.tick(Health::Clock::now(), "root a:\n\xff gone");
  EXPECT_THAT(get("/readyz").body, HasSubstr("\xEF\xBF\xBD gone"));
  health_.tick(Health::Clock::now() - 1h, "");
  EXPECT_EQ(get("/livez").status, 503);
  EXPECT_EQ(get("/livez", {"HEAD"}).status, 503);
  EXPECT_EQ(get("/livez", {"POST"}).status, 405);
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/readyz/../../etc/passwd").status, 404);
  const test::HttpReply metrics = get("/metrics");
  EXPECT_EQ(metrics.body, "up 1\n");
  EXPECT_THAT(metrics.headers.at("Content-Type"), HasSubstr("version=0.0.4"));
}

TEST_F(Probes, OutlivesRequestsThatAreNone) {
  start();
  for (const std::string& odd :
       {std::string("\r\n\r\n"), std::string("GET /readyz HTTP/9.9\r\n\r\n"),
        "GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n", std::string(50'000, '\0'),
        "GET /livez HTTP/1.1\r\n" + std::string(1'000, 'x') +
            ": y\r\nA: " + std::string(20'000, 'z') + "\r\n\r\n"}) {
    EXPECT_THAT(exchange(odd), testing::Not(HasSubstr("200 OK")));
  }
  EXPECT_THAT(exchange("GET /livez HTTP/1.0\r\n\r\n"), HasSubstr("200 OK"));
}

TEST_F(Probes, AreOnLoopbackUnlessThereIsATokenAndSayWhatIsWrong) {
  start();
  const auto taken = try_start({std::to_string(server_->port()), ""});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::environment);
  for (const char* wrong :
       {"", "x", "1.2.3.4:", ":80", "host.example:80", "70000", "0.0.0.0:0", "[::]:0"}) {
    const auto refused = try_start({wrong, ""});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Errc::usage) << wrong;
    EXPECT_THAT(refused.error().message, StartsWith("--http")) << wrong;
  }
  EXPECT_FALSE(try_start({"0", folder_.file("no token")}));
  EXPECT_EQ(get("/metrics", {"GET", "", {{"Host", "evil.example"}}}).status, 403)
      << "a page of the web may not read what a name of its own leads to";
  EXPECT_EQ(get("/readyz", {"GET", "", {{"Host", "10.0.0.7:9101"}}}).status, 503);
}

TEST_F(Probes, AskForTheTokenForMetricsAlone) {
  const std::string token = folder_.file("token");
  folder_.write("token", "0123456789abcdef01\n");
  ::chmod(token.c_str(), 0600);
  start({"0.0.0.0:0", token});
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_EQ(get("/metrics").status, 401);
  EXPECT_EQ(get("/metrics", {"GET", "", {{"Authorization", "Bearer wrong"}}}).status, 401);
  EXPECT_EQ(get("/metrics", {"GET", "", {{"Authorization", "Bearer 0123456789abcdef01"}}}).status,
            200);
}

}  // namespace
}  // namespace photoscribe::http
