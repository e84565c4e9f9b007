#include "common/remote/credentials.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Credentials : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : kNames) ::unsetenv(name);
    ::setenv("HOME", folder_.path().c_str(), 1);
  }
  void TearDown() override { SetUp(); }
  std::string write(const std::string& text, bool private_file = true) {
    folder_.write("keys", text);
    const std::string file = folder_.file("keys");
    namespace fs = std::filesystem;
    fs::permissions(file, private_file ? fs::perms(0600) : fs::perms(0640));
    return file;
  }
  static constexpr const char* kNames[]{
      "AWS_ACCESS_KEY_ID",   "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
      "AWS_REGION",          "AWS_DEFAULT_REGION",    "AWS_ENDPOINT_URL",
      "AWS_ENDPOINT_URL_S3", "AWS_PROFILE",           "AWS_SHARED_CREDENTIALS_FILE"};
  test::TempDir folder_;
};

TEST_F(Credentials, ComeFromTheEnvironment) {
  ::setenv("AWS_ACCESS_KEY_ID", "AKIA", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  ::setenv("AWS_SESSION_TOKEN", "token", 1);
  ::setenv("AWS_REGION", "eu-north-1", 1);
  ::setenv("AWS_ENDPOINT_URL", "http://minio.example:9000/", 1);

  const auto account = find_s3_account("");

  ASSERT_TRUE(account) << account.error().message;
  EXPECT_EQ(account->sign->access_key, "AKIA");
  EXPECT_EQ(account->sign->secret_key, "secret");
  EXPECT_EQ(account->sign->session_token, "token");
  EXPECT_EQ(account->sign->region, "eu-north-1");
  EXPECT_EQ(account->endpoint, "http://minio.example:9000");
}

TEST_F(Credentials, ComeFromAFileThatNobodyElseCanRead) {
  const std::string text =
      "# mine\n[other]\naws_access_key_id = OTHER\naws_secret_access_key = x\n"
      "[default]\naws_access_key_id=AKIA\r\naws_secret_access_key = se/cr=et\n";
  const auto account = find_s3_account(write(text));
  ASSERT_TRUE(account) << account.error().message;
  EXPECT_EQ(account->sign->access_key, "AKIA");
  EXPECT_EQ(account->sign->secret_key, "se/cr=et");

  ::setenv("AWS_PROFILE", "other", 1);
  EXPECT_EQ(find_s3_account(write(text))->sign->access_key, "OTHER");
  ::setenv("AWS_PROFILE", "absent", 1);
  EXPECT_THAT(find_s3_account(write(text)).error().message, HasSubstr("[absent]"));

  const auto seen = find_s3_account(write(text, false));
  ASSERT_FALSE(seen);
  EXPECT_THAT(seen.error().message, HasSubstr("chmod 600"));
  EXPECT_THAT(seen.error().message, Not(HasSubstr("se/cr=et")));
}

TEST_F(Credentials, AreNotNeededForAPublicBucket) {
  const auto account = find_s3_account("");
  ASSERT_TRUE(account);
  EXPECT_FALSE(account->sign);
  EXPECT_EQ(account->region, "us-east-1");
}

TEST_F(Credentials, SayWhatIsMissing) {
  EXPECT_THAT(find_s3_account(folder_.file("absent")).error().message, HasSubstr("absent"));
  ::setenv("AWS_ACCESS_KEY_ID", "AKIA", 1);
  EXPECT_THAT(find_s3_account("").error().message, HasSubstr("AWS_SECRET_ACCESS_KEY"));
  ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  ::setenv("AWS_ENDPOINT_URL", "https://me:secret@host", 1);
  EXPECT_THAT(find_s3_account("").error().message, HasSubstr("AWS_ENDPOINT_URL"));
}

}  // namespace
}  // namespace photoscribe
