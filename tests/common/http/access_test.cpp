// Who may ask, how addresses are taken apart, and where a server listens: pure functions.
#include "common/http/access.h"

#include <gmock/gmock.h>

#include "common/http/listen_place.h"

namespace photoscribe::http {
namespace {

using testing::HasSubstr;
using testing::Optional;

Request get(const std::string& host) {
  Request request;
  request.method = "GET";
  request.path = "/";
  request.headers["host"] = host;
  return request;
}

Request post(const std::string& host) {
  Request request = get(host);
  request.method = "POST";
  request.headers["content-type"] = "application/json";
  return request;
}

int status(const Access& access, const Request& request) {
  const auto answer = refusal(access, request);
  return answer ? answer->status : 200;
}

TEST(Access, KnowsTheNamesOfThisMachine) {
  for (const char* ours : {"localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "127.0.0.9",
                           "[::1]", "[::1]:8080"}) {
    EXPECT_TRUE(names_this_machine(ours)) << ours;
  }
  for (const char* foreign :
       {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.0.2:8080",
        "[2001:db8::1]:80", "127.0.0.1@evil.example", "0.0.0.0", "localhost:8080:9"}) {
    EXPECT_FALSE(names_this_machine(foreign)) << foreign;
  }
}

TEST(Access, RefusesAPageThatReboundItsNameToThisMachine) {
  const Access access;
  EXPECT_EQ(status(access, get("127.0.0.1:8080")), 200);
  EXPECT_EQ(status(access, get("evil.example:8080")), 403);
  EXPECT_EQ(status(access, get("")), 403);
}

TEST(Access, RefusesChangesFromOtherPages) {
  const Access access;
  Request request = post("127.0.0.1:8080");
  EXPECT_EQ(status(access, request), 200);  // a program
  request.headers["origin"] = "http://127.0.0.1:8080";
  EXPECT_EQ(status(access, request), 200);
  request.headers["origin"] = "http://evil.example";
  EXPECT_EQ(status(access, request), 403);
  request.headers["origin"] = "http://127.0.0.1:9090";  // another server of this machine
  EXPECT_EQ(status(access, request), 403);
  request.headers["origin"] = "null";
  EXPECT_EQ(status(access, request), 403);
  request.headers.erase("origin");
  request.headers["sec-fetch-site"] = "cross-site";
  EXPECT_EQ(status(access, request), 403);
  request.headers["sec-fetch-site"] = "same-origin";
  request.headers["content-type"] = "text/plain";  // what a form can send
  EXPECT_EQ(status(access, request), 415);
}

TEST(Access, TakesTheTokenAsBearerAndOnceFromTheAddress) {
  Access access;
  access.loopback = false;
  access.token = "0123456789abcdef";
  Request request = get("archive.example");
  EXPECT_EQ(status(access, request), 401);
  request.headers["authorization"] = "Bearer 0123456789abcdeF";
  EXPECT_EQ(status(access, request), 401);
  request.headers["authorization"] = "Bearer 0123456789abcdef";
  EXPECT_EQ(status(access, request), 200);

  Request first = get("archive.example");
  first.query["token"] = "wrong";
  EXPECT_EQ(status(access, first), 401);
  first.query["token"] = access.token;
  const auto answer = refusal(access, first);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 303);
  std::string cookie;
  for (const auto& [name, value] : answer->headers) {
    if (name == "Set-Cookie") cookie = value;
  }
  EXPECT_THAT(cookie, HasSubstr("HttpOnly; SameSite=Strict"));
  EXPECT_THAT(cookie, testing::Not(HasSubstr(access.token)));
  Request next = get("archive.example");
  next.headers["cookie"] = "other=1; " + cookie.substr(0, cookie.find(';'));
  EXPECT_EQ(status(access, next), 200);
}

/// The place that somebody is sent to who signs in at `path`.
std::string sent_to(const std::string& path) {
  Access access;
  access.token = "0123456789abcdef";
  Request request = get("localhost");
  request.path = path;
  request.query["token"] = access.token;
  for (const auto& [name, value] : refusal(access, request).value_or(Answer{}).headers) {
    if (name == "Location") return value;
  }
  return "nowhere";
}

TEST(Access, Issue16SigningInLeadsToAPlaceOfThisServerAndBreaksNoHeader) {
  EXPECT_EQ(sent_to("/"), "/");
  EXPECT_EQ(sent_to("/photo/a b.jpg"), "/photo/a%20b.jpg");
  EXPECT_EQ(sent_to("//elsewhere.example/x"), "/elsewhere.example/x");
  EXPECT_EQ(sent_to("/x\r\nSet-Cookie: a=b"), "/x%0D%0ASet-Cookie%3A%20a%3Db");
  EXPECT_EQ(sent_to("/\\elsewhere"), "/%5Celsewhere");
}

TEST(HttpMessage, TakesTargetsApart) {
  const auto target = parse_target("/a%20b?x=1+2&y=%C3%A9&z&x=3");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a b");
  EXPECT_EQ(target->query.at("x"), "3");
  EXPECT_EQ(target->query.at("y"), "é");
  EXPECT_EQ(target->query.at("z"), "");
  for (const char* wrong : {"", "a", "/%", "/%4", "/%zz", "/%00", "/?a=%", "http://x/", "*"}) {
    EXPECT_FALSE(parse_target(wrong)) << wrong;
  }
}

TEST(HttpMessage, ComparesTags) {
  EXPECT_TRUE(matches_etag("\"a\"", "a"));
  EXPECT_TRUE(matches_etag("\"b\", W/\"a\"", "a"));
  EXPECT_TRUE(matches_etag("*", "a"));
  EXPECT_FALSE(matches_etag("\"ab\"", "a"));
  EXPECT_FALSE(matches_etag("a", "a"));
  EXPECT_FALSE(matches_etag("", "a"));
}

TEST(ListenPlace, IsLoopbackUnlessToldOtherwise) {
  EXPECT_EQ(parse_listen_place("8080", "--listen")->address, "127.0.0.1");
  EXPECT_TRUE(parse_listen_place("localhost:1", "--listen")->loopback);
  EXPECT_TRUE(parse_listen_place("[::1]:1", "--listen")->loopback);
  EXPECT_FALSE(parse_listen_place("0.0.0.0:1", "--listen")->loopback);
  EXPECT_FALSE(parse_listen_place("[::]:1", "--listen")->loopback);
  for (const char* wrong : {"", "x", ":1", "1.2.3.4:", "1.2.3.4:99999", "host.example:80", "80x"}) {
    EXPECT_FALSE(parse_listen_place(wrong, "--listen")) << wrong;
  }
}

}  // namespace
}  // namespace photoscribe::http
