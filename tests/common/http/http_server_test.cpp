// The server over real sockets: answers, limits, and clients that misbehave.
#include "common/http/http_server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "tests/support/http_client.h"

namespace photoscribe::http {
namespace {

using test::http;
using test::raw_http;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpServer : public testing::Test {
 protected:
  void start(Handler handler) {
    ServerOptions options;
    options.headers = {{"Content-Security-Policy", "default-src 'none'"}};
    auto started = Server::start(std::move(options), std::move(handler));
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }
  /// Tells what it was asked.
  void start_echo() {
    start([](std::shared_ptr<const Request> request, Respond respond) {
      Answer answer = plain_answer(200, request->method + " " + request->path + " [" +
                                            request->parameter("q") + "] " + request->body);
      answer.etag = "v1";
      respond(std::move(answer));
    });
  }
  std::unique_ptr<Server> server_;
};

TEST_F(HttpServer, AnswersGetHeadAndPost) {
  start_echo();
  const auto got = http(server_->port(), {"GET", "/a%20b?q=1+2"});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "GET /a b [1 2] \n");
  EXPECT_EQ(got.headers.at("Content-Security-Policy"), "default-src 'none'");
  EXPECT_EQ(got.headers.at("ETag"), "\"v1\"");

  const auto head = http(server_->port(), {"HEAD", "/"});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("Content-Length"), std::to_string(std::string("HEAD / [] \n").size()));
  EXPECT_EQ(head.body, "");

  EXPECT_EQ(http(server_->port(), {"POST", "/", {}, "text"}).body, "POST / [] text\n");
  EXPECT_EQ(http(server_->port(), {"GET", "/%zz"}).status, 400);
}

TEST_F(HttpServer, AnswersNotModified) {
  start_echo();
  const auto same = http(server_->port(), {"GET", "/", {{"If-None-Match", "W/\"v1\""}}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(http(server_->port(), {"GET", "/", {{"If-None-Match", "\"v2\""}}}).status, 200);
}

TEST_F(HttpServer, KeepsAConnectionForSeveralRequests) {
  start_echo();
  const std::string reply = raw_http(server_->port(),
                                     "GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two "
                                     "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(reply, HasSubstr("GET /one"));
  EXPECT_THAT(reply, HasSubstr("GET /two"));
  EXPECT_LT(reply.find("GET /one"), reply.find("GET /two"));
}

TEST_F(HttpServer, RefusesWhatIsTooLongOrNoRequest) {
  start_echo();
  const std::string begin = "GET / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_THAT(raw_http(server_->port(), begin + "X: " + std::string(20'000, 'a') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(raw_http(server_->port(), "POST / HTTP/1.1\r\nContent-Length: 999999\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(raw_http(server_->port(), "\x16\x03\x01 this is TLS\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(http(server_->port(), {}).status, 200) << "others are served";
}

TEST_F(HttpServer, ServesOthersWhileOneAnswerIsBeingMade) {
  std::promise<Respond> slow;
  start([&](std::shared_ptr<const Request> request, Respond respond) {
    if (request->path == "/slow") {
      slow.set_value(std::move(respond));
    } else {
      respond(plain_answer(200, "quick"));
    }
  });
  auto waiting = std::async(std::launch::async, [&] {
    return http(server_->port(), {"GET", "/slow"});
  });
  const Respond respond = slow.get_future().get();
  EXPECT_EQ(http(server_->port(), {"GET", "/quick"}).body, "quick\n");
  respond(plain_answer(200, "late"));
  EXPECT_EQ(waiting.get().body, "late\n");
}

TEST_F(HttpServer, TakesAnAnswerThatComesAfterItsEnd) {
  std::promise<Respond> asked;
  start([&](std::shared_ptr<const Request>, Respond respond) {
    asked.set_value(std::move(respond));
  });
  auto waiting = std::async(std::launch::async, [&] {
    return raw_http(server_->port(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  });
  const Respond respond = asked.get_future().get();
  server_.reset();
  respond(plain_answer(200, "too late"));
  EXPECT_EQ(waiting.get(), "");
}

TEST_F(HttpServer, SendsEvents) {
  std::atomic<int> number{0};
  start([&](std::shared_ptr<const Request>, Respond respond) {
    Answer answer;
    answer.events = EventSource{std::chrono::milliseconds(5), [&]() -> std::optional<std::string> {
                                  return "event " + std::to_string(++number);
                                }};
    respond(std::move(answer));
  });
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
  asio::write(socket, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  std::string text;
  asio::read_until(socket, asio::dynamic_buffer(text), "data: event 3\n\n");
  EXPECT_THAT(text, HasSubstr("text/event-stream"));
  EXPECT_THAT(text, HasSubstr("data: event 1\n\ndata: event 2\n\n"));
}

TEST_F(HttpServer, SaysThatAPlaceIsTaken) {
  start_echo();
  ServerOptions second;
  second.place.port = server_->port();
  const auto again = Server::start(std::move(second), [](auto, auto) {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::environment);
  EXPECT_THAT(again.error().message, HasSubstr("in use"));
}

}  // namespace
}  // namespace photoscribe::http
