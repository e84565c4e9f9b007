#include "common/remote/photo_url.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <memory>

#include "common/text/escape.h"

namespace photoscribe {
namespace {

constexpr std::string_view kS3 = "s3://";
constexpr std::size_t kBucketMax = 255;  // old ones may be that long
constexpr std::size_t kUrlMax = 8'000;   // what web servers take

tl::unexpected<Error> holds_a_password() {
  return fail(Errc::usage,
              "a URL with a user or password in it can be read by every user of this machine, and "
              "would be stored with the photo: leave it out. Credentials of S3 come from "
              "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a --credentials-file; other servers "
              "must give the photo without (a signed URL, for example)");
}

Expected<PhotoUrl> parse_s3(std::string_view text) {
  text.remove_prefix(kS3.size());
  const auto slash = text.find('/');
  const std::string_view bucket = text.substr(0, slash);
  if (bucket.find('@') != std::string_view::npos) return holds_a_password();
  if (bucket.empty() || bucket.size() > kBucketMax || bucket.find('~') != bucket.npos ||
      !std::all_of(bucket.begin(), bucket.end(), is_unreserved)) {
    return fail(Errc::usage, "the name of a bucket is missing or wrong: s3://BUCKET/PREFIX");
  }
  PhotoUrl url;
  url.root = std::string(kS3) + std::string(bucket);
  if (slash != std::string_view::npos) url.path = std::string(text.substr(slash + 1));
  return url;
}

struct FreeUrl {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};

/// Empty where the URL has no such part.
std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, &curl_free);
  return text;
}

}  // namespace

Expected<PhotoUrl> parse_photo_url(std::string_view text) {
  if (text.find('\0') != std::string_view::npos || text.size() > kUrlMax)
    return fail(Errc::usage, "not a URL: too long, or with a NUL byte in it");
  if (is_s3(text)) return parse_s3(text);
  if (!is_remote(text)) return fail(Errc::usage, "not a URL: https://…, http://… or s3://…");
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  const std::string whole(text);
  const CURLUcode wrong =
      curl_url_set(parsed.get(), CURLUPART_URL, whole.c_str(), CURLU_URLENCODE | CURLU_ALLOW_SPACE);
  if (wrong != CURLUE_OK)
    return fail(Errc::usage, std::string("not a URL: ") + curl_url_strerror(wrong));
  if (!part_of(parsed.get(), CURLUPART_USER).empty() ||
      !part_of(parsed.get(), CURLUPART_PASSWORD).empty()) {
    return holds_a_password();
  }
  std::string host = part_of(parsed.get(), CURLUPART_HOST);
  for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (host.empty()) return fail(Errc::usage, "the URL names no server");
  PhotoUrl url;
  url.root = part_of(parsed.get(), CURLUPART_SCHEME) + "://" + host;
  const std::string port = part_of(parsed.get(), CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  if (!port.empty()) url.root += ":" + port;
  const std::string path = part_of(parsed.get(), CURLUPART_PATH);
  url.path = path.empty() ? "" : path.substr(1);
  const std::string query = part_of(parsed.get(), CURLUPART_QUERY);
  if (!query.empty()) url.path += "?" + query;
  return url;
}

}  // namespace photoscribe
