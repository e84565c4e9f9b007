#include "common/remote/photo_url.h"

#include <gmock/gmock.h>

#include "common/text/escape.h"

namespace photoscribe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string parts(const std::string& text) {
  const Expected<PhotoUrl> url = parse_photo_url(text);
  return url ? url->root + " " + url->path : "refused: " + url.error().message;
}

TEST(PhotoUrl, SplitsIntoServerAndPhoto) {
  EXPECT_EQ(parts("https://host.example/a/b.jpg"), "https://host.example a/b.jpg");
  EXPECT_EQ(parts("HTTPS://Host.Example:443/A.jpg"), "https://host.example A.jpg");
  EXPECT_EQ(parts("http://host:80/a.jpg"), "http://host a.jpg");
  EXPECT_EQ(parts("http://host:8080/a.jpg?w=800&h=600#top"), "http://host:8080 a.jpg?w=800&h=600");
  EXPECT_EQ(parts("http://[2001:db8::1]:81/a.jpg"), "http://[2001:db8::1]:81 a.jpg");
  EXPECT_EQ(parts("https://host/a%20b%2Fc.jpg"), "https://host a%20b%2Fc.jpg");
  EXPECT_EQ(parts("https://host/a b\xc3\xa9.jpg"), "https://host a%20b%c3%a9.jpg");
  EXPECT_EQ(parts("https://host/x/../a.jpg"), "https://host a.jpg");
  EXPECT_EQ(parts("https://host"), "https://host ");
  EXPECT_EQ(parts("https://host/?id=5"), "https://host ?id=5");
  EXPECT_EQ(parts("s3://bucket/2019/a b%.jpg"), "s3://bucket 2019/a b%.jpg");
  EXPECT_EQ(parts("s3://my.bucket-1"), "s3://my.bucket-1 ");
}

TEST(PhotoUrl, RefusesPasswordsAndSaysWhatElseToDo) {
  for (const char* url : {"https://user:s3cret@host/a.jpg", "https://user@host/a.jpg",
                          "s3://AKIA:s3cret@bucket/a.jpg"}) {
    EXPECT_THAT(parts(url), HasSubstr("AWS_ACCESS_KEY_ID")) << url;
    EXPECT_THAT(parts(url), Not(HasSubstr("s3cret"))) << url;
  }
}

TEST(PhotoUrl, RefusesWhatIsNoAddressOfAPhoto) {
  for (const char* url : {"", "a.jpg", "ftp://host/a.jpg", "https://", "http://host:99999/a.jpg",
                          "s3://", "s3://buc ket/a", "file:///etc/passwd"})
    EXPECT_THAT(parts(url), HasSubstr("refused")) << url;
  EXPECT_THAT(parts(std::string("https://host/\0a", 15)), HasSubstr("refused"));
  EXPECT_THAT(parts("https://host/" + std::string(10'000, 'a')), HasSubstr("too long"));
  EXPECT_THAT(parts("https://host/a\r\nHost: other"), HasSubstr("refused"));
}

TEST(PhotoUrl, EncodesAsSignaturesWantIt) {
  EXPECT_EQ(percent_encoded("a b/\xc3\xa9+~.jpg", true), "a%20b/%C3%A9%2B~.jpg");
  EXPECT_EQ(percent_encoded("2019/", false), "2019%2F");
}

}  // namespace
}  // namespace photoscribe
