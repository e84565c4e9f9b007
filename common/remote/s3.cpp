#include "common/remote/s3.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <pugixml.hpp>
#include <thread>

#include "common/core/random.h"
#include "common/remote/photo_url.h"
#include "common/text/escape.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kPageBytesMax = 16 << 20;
constexpr std::chrono::seconds kWaitMax{60};  // for a server that asks for time

std::string_view without_scheme(std::string_view bucket) {
  return is_s3(bucket) ? bucket.substr(5) : bucket;
}

std::string url_of_bucket(const S3Account& account, std::string_view bucket) {
  const std::string name(without_scheme(bucket));
  if (!account.endpoint.empty()) return account.endpoint + "/" + name;
  // A certificate is valid for one label in front of the host alone.
  if (name.find('.') != std::string::npos)
    return "https://s3." + account.region + ".amazonaws.com/" + name;
  return "https://" + name + ".s3." + account.region + ".amazonaws.com";
}

/// "2026-11-28T23:50:00.000Z"
std::int64_t unix_ns_of(const char* text) {
  std::tm time{};
  int millis = 0;
  const int got = std::sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &time.tm_year, &time.tm_mon,
                              &time.tm_mday, &time.tm_hour, &time.tm_min, &time.tm_sec, &millis);
  if (got < 6) return 0;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  const std::int64_t seconds = ::timegm(&time);
  return seconds * 1'000'000'000 + std::int64_t{got > 6 ? millis : 0} * 1'000'000;
}

bool load(pugi::xml_document& document, std::string_view xml) {
  return static_cast<bool>(document.load_buffer(xml.data(), xml.size()));
}

std::string unescaped(std::string_view text) {  // encoding-type=url
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* const hex = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(hex, hex + 2, byte, 16).ptr == hex + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

tl::unexpected<Error> cannot_list(const std::string& bucket, const FetchFailure& failure) {
  const std::string code = s3_error_code(failure.body);
  std::string why = failure.detail + (code.empty() ? "" : " (" + code + ")");
  if (is_about_account(code) || failure.status == 403 || failure.status == 401) {
    why +=
        "; credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or "
        "--credentials-file, and need s3:ListBucket and s3:GetObject";
  } else if (failure.status == 404) {
    why += "; is it the right bucket, AWS_REGION and AWS_ENDPOINT_URL?";
  } else if (failure.status == 301 || failure.status == 307 || failure.status == 400) {
    why += "; the bucket may be in another region: set AWS_REGION";
  }
  return fail(Errc::environment, "list " + bucket + ": " + why);
}

}  // namespace

std::string url_of_object(const S3Account& account, std::string_view bucket, std::string_view key) {
  return url_of_bucket(account, bucket) + "/" + percent_encoded(key, true);
}

std::string url_of_listing(const S3Account& account, std::string_view bucket,
                           std::string_view prefix, std::string_view token, int keys_max) {
  // In the order of their names, each with a value: what is signed.
  std::string url = url_of_bucket(account, bucket) + "/?";
  if (!token.empty()) url += "continuation-token=" + percent_encoded(token, false) + "&";
  url += "encoding-type=url&list-type=2&max-keys=" + std::to_string(keys_max);
  if (!prefix.empty()) url += "&prefix=" + percent_encoded(prefix, false);
  return url;
}

Expected<S3Page> parse_listing(std::string_view xml) {
  pugi::xml_document document;
  if (!load(document, xml)) return fail(Errc::bad_payload, "the list of a bucket is no XML");
  const pugi::xml_node list = document.child("ListBucketResult");
  if (!list) return fail(Errc::bad_payload, "the answer is no list of a bucket");
  const bool escaped = std::string_view(list.child_value("EncodingType")) == "url";
  S3Page page;
  for (const pugi::xml_node& item : list.children("Contents")) {
    S3Object object;
    object.key = item.child_value("Key");
    if (escaped) object.key = unescaped(object.key);
    if (object.key.empty()) return fail(Errc::bad_payload, "an object without a key is listed");
    object.size_bytes = item.child("Size").text().as_llong();
    object.mtime_ns = unix_ns_of(item.child_value("LastModified"));
    page.objects.push_back(std::move(object));
  }
  if (std::string_view(list.child_value("IsTruncated")) == "true") {
    page.next_token = list.child_value("NextContinuationToken");
    if (page.next_token.empty())
      return fail(Errc::bad_payload, "the list of a bucket ends without a token for its next page");
  }
  return page;
}

std::string s3_error_code(std::string_view xml) {
  pugi::xml_document document;
  if (!load(document, xml)) return {};
  return document.child("Error").child_value("Code");
}

bool is_about_account(std::string_view code) {
  constexpr std::array<std::string_view, 12> kCodes{
      "AccountProblem",        "AllAccessDisabled",    "AuthorizationHeaderMalformed",
      "ExpiredToken",          "InvalidAccessKeyId",   "InvalidToken",
      "NoSuchBucket",          "PermanentRedirect",    "RequestTimeTooSkewed",
      "SignatureDoesNotMatch", "TokenRefreshRequired", "NotSignedUp"};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

Expected<S3Page> fetch_page(HttpClient& client, const S3Account& account, const std::string& bucket,
                            const std::string& prefix, const std::string& token, int keys_max) {
  HttpRequest request;
  request.url = url_of_listing(account, bucket, prefix, token, keys_max);
  request.sign = account.sign ? &*account.sign : nullptr;
  request.bytes_max = kPageBytesMax;
  std::vector<std::uint8_t> body;
  for (int failures = 0;;) {
    const auto got = client.get(request, body);
    if (got) {
      Expected<S3Page> page = parse_listing({reinterpret_cast<const char*>(body.data()), *got});
      if (page) return page;
      return fail(Errc::environment, "list " + bucket + ": " + page.error().message);
    }
    const FetchFailure& failure = got.error();
    const Blame blame = blame_of(failure);
    const auto wait = wait_before_retry(++failures, random_unit(), failure.retry_after);
    const bool again = blame == Blame::unclear || blame == Blame::host;
    if (!again || failures > client.settings().retries || wait > kWaitMax)
      return cannot_list(bucket, failure);
    std::this_thread::sleep_for(wait);
  }
}

}  // namespace photoscribe
