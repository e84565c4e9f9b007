#include "common/remote/s3.h"

#include <gmock/gmock.h>

#include "tests/support/s3_server.h"

namespace photoscribe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class S3 : public ::testing::Test {
 protected:
  static RemoteSettings settings() {
    RemoteSettings s;
    s.allow_private = true;
    s.retries = 1;
    return s;
  }
  static S3Account account_of(const test::S3Server& server, const std::string& token = "") {
    S3Account account;
    account.endpoint = server.endpoint();
    account.region = "eu-test-1";
    account.sign = Signing{"AKIATEST", "s3cr3t/of+the+test", token, "eu-test-1"};
    return account;
  }
  std::string get(const S3Account& account, const std::string& key) {
    HttpRequest request;
    request.url = url_of_object(account, "s3://photos", key);
    request.sign = account.sign ? &*account.sign : nullptr;
    request.bytes_max = 1'000'000;
    std::vector<std::uint8_t> body;
    const auto size = client.get(request, body);
    if (!size) return std::to_string(size.error().status) + " " + s3_error_code(size.error().body);
    return std::string(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  HttpClient client{settings()};
};

// Names of every kind: a signature is over their encoded form.
TEST_F(S3, SignsSoThatTheServerAgrees) {
  test::S3Server server;
  const S3Account account = account_of(server);
  for (const std::string key :
       {"a.jpg", "2019/b c.jpg", "100%.jpg", "a+b&c=d.jpg", "\xc3\xa9/~(1)'!*.jpg", "x/../y.jpg",
        "double//slash.jpg", "q?x#y.jpg"}) {
    server.put(key, "bytes of " + key);
    EXPECT_EQ(get(account, key), "bytes of " + key);
  }
  EXPECT_EQ(get(account, "absent.jpg"), "404 NoSuchKey");
  S3Account stranger = account;
  stranger.sign->secret_key = "guessed";
  EXPECT_EQ(get(stranger, "a.jpg"), "403 SignatureDoesNotMatch");
  stranger.sign.reset();
  EXPECT_EQ(get(stranger, "a.jpg"), "403 SignatureDoesNotMatch");
  server.open_to_all();
  EXPECT_EQ(get(stranger, "a.jpg"), "bytes of a.jpg");
}

TEST_F(S3, SignsWithASessionToken) {
  test::S3Keys keys;
  keys.session_token = "a/temporary+token==";
  test::S3Server server(keys);
  server.put("a.jpg", "bytes");
  EXPECT_EQ(get(account_of(server, keys.session_token), "a.jpg"), "bytes");
  EXPECT_EQ(get(account_of(server), "a.jpg"), "403 SignatureDoesNotMatch");
}

TEST_F(S3, ListsPageByPage) {
  test::S3Server server({}, 3);
  for (int i = 0; i < 8; ++i) server.put("2019/" + std::to_string(i) + " &<é>+.jpg", "bytes");
  server.put("2020/a.jpg", "more");
  std::vector<std::string> keys;
  std::string token;
  do {
    const Expected<S3Page> page =
        fetch_page(client, account_of(server), "s3://photos", "2019/", token);
    ASSERT_TRUE(page) << page.error().message;
    for (const S3Object& object : page->objects) {
      keys.push_back(object.key);
      EXPECT_EQ(object.size_bytes, 5);
      EXPECT_EQ(object.mtime_ns, 1'700'000'000'000'000'000);
    }
    token = page->next_token;
  } while (!token.empty());
  ASSERT_EQ(keys.size(), 8U);
  EXPECT_EQ(keys.front(), "2019/0 &<é>+.jpg");
  EXPECT_EQ(server.pages_listed(), 3);
}

TEST_F(S3, SaysWhatToDoAboutABucketThatCannotBeListed) {
  test::S3Server server;
  S3Account stranger = account_of(server);
  stranger.sign->secret_key = "guessed";
  const auto refused = fetch_page(client, stranger, "s3://photos", "", "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::environment);
  EXPECT_THAT(refused.error().message, HasSubstr("s3:ListBucket"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("guessed")));
  EXPECT_THAT(fetch_page(client, account_of(server), "s3://other", "", "").error().message,
              HasSubstr("NoSuchBucket"));
}

TEST_F(S3, RefusesListsThatAreNone) {
  EXPECT_FALSE(parse_listing("no xml"));
  EXPECT_FALSE(parse_listing("<html>login</html>"));
  EXPECT_FALSE(parse_listing("<ListBucketResult><Contents/></ListBucketResult>"));
  EXPECT_FALSE(
      parse_listing("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"));
  EXPECT_TRUE(parse_listing("<ListBucketResult/>"));
  // No entity of the document's own is expanded: there is no bomb.
  const auto page = parse_listing(
      "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><ListBucketResult><Contents><Key>&a;</Key></Contents>"
      "</ListBucketResult>");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->objects.at(0).key, "&a;");
  EXPECT_EQ(s3_error_code("<Error><Code>SlowDown</Code></Error>"), "SlowDown");
  EXPECT_EQ(s3_error_code("<html>"), "");
}

TEST_F(S3, KnowsAmazonsAddresses) {
  S3Account account;
  account.region = "eu-north-1";
  EXPECT_EQ(url_of_object(account, "s3://photos", "a b.jpg"),
            "https://photos.s3.eu-north-1.amazonaws.com/a%20b.jpg");
  EXPECT_EQ(url_of_object(account, "my.photos", "a.jpg"),
            "https://s3.eu-north-1.amazonaws.com/my.photos/a.jpg");
}

}  // namespace
}  // namespace photoscribe
