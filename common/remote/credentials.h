// credentials: the keys of S3, from the environment or from a file that nobody else can read.
// Never from a command line; never logged.
#pragma once

#include <optional>
#include <string>

#include "common/core/error.h"
#include "common/remote/http_client.h"

namespace photoscribe {

/// Where a bucket is, and who asks for it.
struct S3Account {
  std::optional<Signing> sign;  // none: a bucket that everybody may read
  std::string endpoint;         // "http://localhost:9000"; empty: Amazon's, by region
  std::string region;
};

/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; else `file`,
/// AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, of which AWS_PROFILE ("default") holds;
/// else none. AWS_REGION or AWS_DEFAULT_REGION ("us-east-1"), AWS_ENDPOINT_URL_S3 or
/// AWS_ENDPOINT_URL. A file that is named comes first. Fails with usage on a file that others can
/// read, that is not there although it was named, or that has no such profile.
[[nodiscard]] Expected<S3Account> find_s3_account(const std::string& file);

/// The part of a file of AWS' form that `profile` names. Fails with invalid_config.
[[nodiscard]] Expected<Signing> parse_credentials(const std::string& text,
                                                  const std::string& profile);

}  // namespace photoscribe
