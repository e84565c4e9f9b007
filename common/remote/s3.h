// s3: the addresses of a bucket and its objects, its listing, and its errors. The rest of S3 is
// plain HTTP with a signature (http_client.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/remote/credentials.h"
#include "common/remote/fetch_rule.h"

namespace photoscribe {

/// `bucket` may be s3://BUCKET. Amazon's own by the bucket's name, others' by path.
[[nodiscard]] std::string url_of_object(const S3Account& account, std::string_view bucket,
                                        std::string_view key);

/// ListObjectsV2. `token`: of the page before; empty: the first.
[[nodiscard]] std::string url_of_listing(const S3Account& account, std::string_view bucket,
                                         std::string_view prefix, std::string_view token,
                                         int keys_max);

struct S3Object {
  std::string key;  // raw bytes
  std::int64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;  // since 1970; 0: not told
};
struct S3Page {
  std::vector<S3Object> objects;
  std::string next_token;  // empty: the last page
};

/// Fails with bad_payload.
[[nodiscard]] Expected<S3Page> parse_listing(std::string_view xml);

/// Of an answer that is no object: "AccessDenied". Empty: it has none.
[[nodiscard]] std::string s3_error_code(std::string_view xml);

/// Whether such an error is about who asks or about the whole bucket, not about the object: an
/// expired token, a wrong key, clock or region.
[[nodiscard]] bool is_about_account(std::string_view code);

/// One page of a listing, fetched, with retries. Fails with environment: what, and what to do.
[[nodiscard]] Expected<S3Page> fetch_page(HttpClient& client, const S3Account& account,
                                          const std::string& bucket, const std::string& prefix,
                                          const std::string& token, int keys_max = 1'000);

}  // namespace photoscribe
