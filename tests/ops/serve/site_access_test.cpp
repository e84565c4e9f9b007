// Who is answered (hosts, tokens), and what machines ask: probes, metrics, events.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/ops/cli/program.h"
#include "tests/ops/serve/serve_fixture.h"

namespace photoscribe::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(Serve, AnswersProbesAndPrometheus) {
  start({"--edit"});
  EXPECT_EQ(server_->call({"GET", "/livez"}).body, "alive\n");
  EXPECT_EQ(server_->call({"GET", "/readyz"}).body, "ready\n");
  server_->post("/api/photos/" + std::to_string(id_of("two%.jpg")) + "/caption",
                {{"action", "approve"}});
  const HttpReply metrics = server_->call({"GET", "/metrics"});
  EXPECT_THAT(metrics.headers.at("Content-Type"), HasSubstr("version=0.0.4"));
  EXPECT_THAT(
      metrics.body,
      AllOf(HasSubstr("# TYPE photoscribe_photos gauge\n"),
            HasSubstr("photoscribe_photos{run=\"default\",state=\"done\"} 2\n"),
            HasSubstr("photoscribe_photos{run=\"default\",state=\"pending\"} 1\n"),
            HasSubstr("photoscribe_failed_photos{run=\"default\",reason=\"truncated\"} 1\n"),
            HasSubstr("photoscribe_caption_edits{action=\"approve\"} 1\n"),
            HasSubstr("photoscribe_scheduler_up 1\n")));
}

TEST_F(Serve, SendsEventsWhileARunGoesOn) {
  start();
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
  asio::write(socket,
              asio::buffer(std::string("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")));
  std::string text;
  asio::read_until(socket, asio::dynamic_buffer(text), "\"pending\":1");
  EXPECT_THAT(text, HasSubstr("text/event-stream"));
  must(store().set_control(run(), RunControl::paused));
  asio::read_until(socket, asio::dynamic_buffer(text), "\"control\":\"paused\"");
}

TEST_F(Serve, RefusesNamesThatAreNotThisMachines) {
  start({"--edit"});
  EXPECT_EQ(server_->call({"GET", "/api/runs", {{"Host", "evil.example"}}}).status, 403);
  const HttpCall forged{"POST",
                        "/api/runs/1/control",
                        {{"Origin", "http://evil.example"}, {"Content-Type", "application/json"}},
                        "{\"action\":\"cancel\"}"};
  EXPECT_EQ(server_->call(forged).status, 403);
  EXPECT_THAT(plain_rows(database(), "SELECT control FROM run"), ElementsAre("running"));
}

TEST_F(Serve, NeedsATokenBeyondThisMachine) {
  const std::string token = folder_.file("token");
  std::ofstream(token) << "0123456789abcdef01\n";
  ::chmod(token.c_str(), 0644);
  const auto serve = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"serve", database()};
    words.insert(words.end(), more.begin(), more.end());
    return cli::photoscribe(words);
  };
  const auto open = serve({"--listen", "0.0.0.0:0"});
  EXPECT_EQ(open.exit_status, 2);
  EXPECT_THAT(open.err, HasSubstr("--token-file"));
  const auto readable = serve({"--token-file", token});
  EXPECT_EQ(readable.exit_status, 2);
  EXPECT_THAT(readable.err, HasSubstr("chmod 600"));
  EXPECT_EQ(serve({"--listen", "nowhere"}).exit_status, 2);
  EXPECT_EQ(cli::photoscribe({"serve", folder_.file("no.db")}).exit_status, 2);

  ::chmod(token.c_str(), 0600);
  start({"--token-file", token});
  EXPECT_EQ(server_->call({"GET", "/api/runs"}).status, 401);
  EXPECT_EQ(server_->call({}).status, 401);
  EXPECT_EQ(server_->call({"GET", "/livez"}).status, 200);
  EXPECT_EQ(
      server_->call({"GET", "/api/runs", {{"Authorization", "Bearer 0123456789abcdef01"}}}).status,
      200);
  const HttpReply signed_in = server_->call({"GET", "/?token=0123456789abcdef01"});
  EXPECT_EQ(signed_in.status, 303);
  EXPECT_EQ(signed_in.headers.at("Location"), "/");
  const std::string cookie = signed_in.headers.at("Set-Cookie");
  EXPECT_EQ(server_->call({"GET", "/", {{"Cookie", cookie.substr(0, cookie.find(';'))}}}).status,
            200);
}

}  // namespace
}  // namespace photoscribe::test
