#include "common/redis/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/temp_dir.h"

namespace photoscribe::redis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Endpoint, ReadsEachForm) {
  struct Case {
    const char* url;
    Transport transport;
    const char* host;
    int port;
    int database;
    const char* user;
  };
  for (const Case& c : {
           Case{"redis://localhost", Transport::tcp, "localhost", 6379, 0, ""},
           Case{"redis://localhost/", Transport::tcp, "localhost", 6379, 0, ""},
           Case{"redis://photo%40scribe@db.example:7000/3", Transport::tcp, "db.example", 7000, 3,
                "photo@scribe"},
           Case{"redis://[::1]:7000/2", Transport::tcp, "::1", 7000, 2, ""},
           Case{"rediss://db.example", Transport::tls, "db.example", 6379, 0, ""},
       }) {
    const auto endpoint = parse_endpoint(c.url);
    ASSERT_TRUE(endpoint) << c.url;
    EXPECT_EQ(endpoint->transport, c.transport) << c.url;
    EXPECT_EQ(endpoint->host, c.host) << c.url;
    EXPECT_EQ(endpoint->port, c.port) << c.url;
    EXPECT_EQ(endpoint->database, c.database) << c.url;
    EXPECT_EQ(endpoint->user, c.user) << c.url;
    EXPECT_TRUE(endpoint->verify_certificate);
  }
}

TEST(Endpoint, ReadsASocketPath) {
  const auto endpoint = parse_endpoint("unix:/run/a%20b/redis.sock?db=4");

  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->transport, Transport::unix_socket);
  EXPECT_EQ(endpoint->socket_path, "/run/a b/redis.sock");
  EXPECT_EQ(endpoint->database, 4);
  EXPECT_EQ(parse_endpoint("unix:///run/redis.sock")->socket_path, "/run/redis.sock");
}

TEST(Endpoint, ReadsSentinels) {
  const auto endpoint =
      parse_endpoint("rediss+sentinel://me@a,[::1]:7000,c.example:26380/photo%2Fset/4?ca=/ca.pem");

  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_EQ(endpoint->transport, Transport::tls);
  EXPECT_EQ(endpoint->sentinels,
            (std::vector<HostPort>{{"a", 26'379}, {"::1", 7'000}, {"c.example", 26'380}}));
  EXPECT_EQ(endpoint->service, "photo/set");
  EXPECT_EQ(endpoint->database, 4);
  EXPECT_EQ(endpoint->user, "me");
  EXPECT_EQ(parse_endpoint("redis+sentinel://a/main")->database, 0);
}

TEST(Endpoint, NeverWritesThePassword) {
  const auto endpoint = parse_endpoint("rediss://me:s%65cret@host/1?ca=/etc/ca.pem");

  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->password, "secret");
  EXPECT_TRUE(endpoint->password_in_url);
  EXPECT_EQ(to_string(*endpoint), "rediss://me@host:6379/1?ca=/etc/ca.pem");
}

TEST(Endpoint, WritesAUrlThatReadsBackTheSame) {
  for (const char* url :
       {"redis://a:1/0", "redis://[::1]:6380/2", "unix:/x%25%3Fy?db=3", "unix:u@/x",
        "rediss://u%40v@h:2/0?ca=/a%26b&verify=no", "redis+sentinel://u@a:1,[::1]:2/main%20set/3",
        "rediss+sentinel://a:1/x/0?verify=no"}) {
    const auto endpoint = parse_endpoint(url);
    ASSERT_TRUE(endpoint) << url;
    const auto again = parse_endpoint(to_string(*endpoint));
    ASSERT_TRUE(again) << to_string(*endpoint);
    EXPECT_EQ(*again, *endpoint) << url;
  }
}

TEST(Endpoint, RefusesWhatItDoesNotKnow) {
  for (const char* url : {"",
                          "localhost:6379",
                          "http://x",
                          "redis://",
                          "redis://:6379",
                          "redis://h:0",
                          "redis://h:x",
                          "redis://h:65536",
                          "redis://h/x",
                          "redis://h/0?tls=1",
                          "redis://h?ca=/x",
                          "redis+sentinel://",
                          "redis+sentinel://h",
                          "redis+sentinel://h/",
                          "redis+sentinel://h//1",
                          "redis+sentinel://h,/x",
                          "redis+sentinel://h:0/x",
                          "redis+sentinel://h/x/y",
                          "unix:",
                          "unix:/x?db=y",
                          "redis://[::1",
                          "redis://%zz@h",
                          "rediss://h?verify=maybe"}) {
    const auto endpoint = parse_endpoint(url);
    ASSERT_FALSE(endpoint) << url;
    EXPECT_EQ(endpoint.error().code, Errc::usage);
    EXPECT_THAT(endpoint.error().message, HasSubstr("redis://[user@]host")) << url;
  }
  EXPECT_FALSE(parse_endpoint("unix:/" + std::string(107, 'x')));
}

class PasswordTest : public ::testing::Test {
 protected:
  PasswordTest() { clear(); }
  ~PasswordTest() override { clear(); }
  static void clear() {
    unsetenv("PHOTOSCRIBE_REDIS_PASSWORD");
    unsetenv("PHOTOSCRIBE_REDIS_PASSWORD_FILE");
    unsetenv("PHOTOSCRIBE_SENTINEL_PASSWORD");
  }
  Endpoint endpoint = *parse_endpoint("redis://h");
};

TEST_F(PasswordTest, ComesFromTheEnvironment) {
  setenv("PHOTOSCRIBE_REDIS_PASSWORD", "p w", 1);

  ASSERT_TRUE(take_password_from_environment(endpoint));
  EXPECT_EQ(endpoint.password, "p w");
}

TEST_F(PasswordTest, TheSentinelsHaveOneOfTheirOwn) {
  setenv("PHOTOSCRIBE_REDIS_PASSWORD", "server", 1);
  setenv("PHOTOSCRIBE_SENTINEL_PASSWORD", "sentinel", 1);
  Endpoint set = *parse_endpoint("redis+sentinel://h/main");

  ASSERT_TRUE(take_password_from_environment(set));
  EXPECT_EQ(set.password, "server");
  EXPECT_EQ(set.sentinel_password, "sentinel");
  ASSERT_TRUE(take_password_from_environment(endpoint));
  EXPECT_EQ(endpoint.sentinel_password, "");
}

TEST_F(PasswordTest, ComesFromTheFirstLineOfAFile) {
  const test::TempDir folder;
  setenv("PHOTOSCRIBE_REDIS_PASSWORD_FILE", folder.write("secret", "p w\r\nmore").c_str(), 1);

  ASSERT_TRUE(take_password_from_environment(endpoint));
  EXPECT_EQ(endpoint.password, "p w");
}

TEST_F(PasswordTest, IsRefusedInAUrl) {
  Endpoint with = *parse_endpoint("redis://u:hunter2@h");

  const Status status = take_password_from_environment(with);

  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::usage);
  EXPECT_THAT(status.error().message, Not(HasSubstr("hunter2")));
}

TEST_F(PasswordTest, FailsWhenItsFileCannotBeRead) {
  setenv("PHOTOSCRIBE_REDIS_PASSWORD_FILE", "/nowhere/at/all", 1);

  EXPECT_EQ(take_password_from_environment(endpoint).error().code, Errc::environment);
}

TEST_F(PasswordTest, MayBeAbsent) {
  ASSERT_TRUE(take_password_from_environment(endpoint));
  EXPECT_TRUE(endpoint.password.empty());
}

}  // namespace
}  // namespace photoscribe::redis
