#include "common/remote/http_client.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "common/remote/fetch_rule.h"
#include "tests/support/http_server.h"

namespace photoscribe {
namespace {

using namespace std::chrono_literals;
using test::Answer;
using test::Asked;
using test::HttpServer;
using ::testing::HasSubstr;

class Http : public ::testing::Test {
 protected:
  Http() {
    settings.allow_private = true;
    settings.connect_timeout_s = 2;
    settings.stall_timeout_s = 1;
  }
  tl::expected<std::string, FetchFailure> get(HttpClient& client, const std::string& url,
                                              std::chrono::milliseconds limit = 5s,
                                              std::int64_t bytes_max = 1'000'000) {
    HttpRequest request;
    request.url = url;
    request.bytes_max = bytes_max;
    request.limit = limit;
    std::vector<std::uint8_t> body;
    const auto size = client.get(request, body);
    if (!size) return tl::unexpected(size.error());
    return std::string(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  FetchError error(const std::string& url, std::chrono::milliseconds limit = 5s) {
    HttpClient client(settings);
    const auto got = get(client, url, limit);
    EXPECT_FALSE(got) << url;
    return got ? FetchError::memory : got.error().what;
  }
  RemoteSettings settings;
  test::TempDir folder;
};

TEST_F(Http, UsesAConnectionAgain) {
  HttpServer server([](const Asked& asked) { return Answer{200, "bytes of " + asked.target}; });
  HttpClient client(settings);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(*get(client, server.url("/a.jpg")), "bytes of /a.jpg");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(Http, ChecksCertificates) {
  const test::Certificate certificate = test::make_certificate(folder);
  HttpServer server([](const Asked&) { return Answer{200, "bytes"}; }, certificate);
  EXPECT_EQ(error(server.url("/a.jpg")), FetchError::tls) << "nobody vouches for it";
  settings.ca_file = certificate.certificate_file;
  HttpClient client(settings);
  EXPECT_EQ(*get(client, server.url("/a.jpg")), "bytes");
  EXPECT_EQ(error("https://127.0.0.1:" + std::to_string(server.port()) + "/a.jpg"), FetchError::tls)
      << "another name";
  settings.ca_file = folder.file("absent.pem");
  EXPECT_EQ(error(server.url("/a.jpg")), FetchError::machine);
}

TEST_F(Http, AsksNoAddressThatIsNotPublic) {
  HttpServer server([](const Asked&) { return Answer{200, "metadata"}; });
  settings.allow_private = false;
  const std::string port = ":" + std::to_string(server.port());
  for (const char* host :
       {"127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"})
    EXPECT_EQ(error("http://" + (host + port) + "/a.jpg"), FetchError::not_public) << host;
  EXPECT_EQ(server.connections(), 0);
  ::setenv("http_proxy", server.url().c_str(), 1);
  EXPECT_EQ(error("http://192.168.255.254/a.jpg"), FetchError::not_public) << "nor by a proxy";
  ::unsetenv("http_proxy");
}

TEST_F(Http, AsksNoSuchAddressAfterARedirectEither) {
  HttpServer server([](const Asked& asked) {
    return Answer{302, "", {{"Location", "http://127.0.0.2" + asked.target}}};
  });
  settings.allow_private = false;
  HttpClient client(settings, [](const sockaddr& address) -> std::string_view {
    return text_of(address) == "127.0.0.1" ? "" : what_is_not_public(address);
  });
  const auto got = get(client, server.url("/a.jpg"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().what, FetchError::not_public);
  EXPECT_THAT(got.error().detail, HasSubstr("127.0.0.2 (loopback)"));
}

TEST_F(Http, FollowsFiveRedirectsAndOnlyWhereTheyMayLead) {
  std::string elsewhere;
  const auto handler = [&elsewhere](const Asked& asked) -> Answer {
    const auto to = [](const std::string& place) { return Answer{302, "", {{"Location", place}}}; };
    if (asked.target.starts_with("/left/")) {
      const int left = std::stoi(asked.target.substr(6));
      return left == 0 ? Answer{200, "there"} : to("/left/" + std::to_string(left - 1));
    }
    if (asked.target == "/circle") return to("/circle");
    if (asked.target == "/file") return to("file:///etc/passwd");
    if (asked.target == "/password") return to("http://me:secret@127.0.0.1:1/");
    return to(elsewhere);
  };
  HttpServer server(handler);
  HttpClient client(settings);
  EXPECT_EQ(*get(client, server.url("/left/5")), "there");
  for (const char* path : {"/left/6", "/circle", "/file", "/password"})
    EXPECT_EQ(error(server.url(path)), FetchError::redirect) << path;

  const test::Certificate certificate = test::make_certificate(folder);
  settings.ca_file = certificate.certificate_file;
  HttpServer secure(handler, certificate);
  elsewhere = server.url("/left/0");
  EXPECT_EQ(error(secure.url("/down")), FetchError::redirect) << "from https to http";
  elsewhere = secure.url("/left/0");
  HttpClient trusting(settings);
  EXPECT_EQ(*get(trusting, server.url("/up")), "there");
  HttpServer chain([&](const Asked&) {
    return Answer{302, "", {{"Location", secure.url("/down")}}};
  });
  elsewhere = server.url("/left/0");
  EXPECT_EQ(error(chain.url("/")), FetchError::redirect) << "http, https, http";
}

TEST_F(Http, TellsWhatWentWrong) {
  HttpServer server([](const Asked& asked) -> Answer {
    const std::string body(100'000, 'x');
    Answer answer{200, body};
    if (asked.target == "/cut") answer.cut_after = 1'000;
    if (asked.target == "/lie") answer.told_length = 200'000;
    if (asked.target == "/stall") answer.stall_after = 1'000;
    if (asked.target == "/silent") answer.wait = 1h;
    if (asked.target == "/endless") answer.tells_length = false;
    if (asked.target == "/busy") answer = {503, "", {{"Retry-After", "7"}}};
    if (asked.target == "/later")
      answer = {503, "", {{"Retry-After", "Fri, 31 Dec 2199 23:59:59 GMT"}}};
    if (asked.target == "/gone") answer = {404, "nothing here"};
    return answer;
  });
  EXPECT_EQ(error(server.url("/cut")), FetchError::cut);
  EXPECT_EQ(error(server.url("/lie")), FetchError::cut);
  EXPECT_EQ(error(server.url("/stall")), FetchError::slow);
  EXPECT_EQ(error(server.url("/silent"), 300ms), FetchError::slow);
  HttpClient client(settings);
  EXPECT_EQ(get(client, server.url("/endless"))->size(), 100'000U);
  for (const char* path : {"/", "/endless"}) {
    const auto large = get(client, server.url(path), 5s, 99'999);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().what, FetchError::too_large) << path;
    EXPECT_THAT(large.error().detail, HasSubstr("limits.file_bytes_max"));
  }
  const auto busy = get(client, server.url("/busy"));
  EXPECT_EQ(busy.error().status, 503);
  EXPECT_EQ(busy.error().retry_after, 7s);
  EXPECT_GT(get(client, server.url("/later")).error().retry_after.value_or(0s), 86'400s);
  const auto gone = get(client, server.url("/gone"));
  EXPECT_EQ(gone.error().status, 404);
  EXPECT_EQ(gone.error().body, "nothing here");
  const std::string there = server.url("/");
  server.stop();
  EXPECT_EQ(error(there), FetchError::unreachable);
  EXPECT_EQ(error("http://no-such-host.invalid/a.jpg"), FetchError::no_such_host);
}

}  // namespace
}  // namespace photoscribe
