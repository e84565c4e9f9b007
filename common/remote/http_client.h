// http_client: GET and HEAD over libcurl, and what went wrong in the terms of a photo's verdict.
//
// Any thread may ask; connections are kept and used again. Whatever the URL, an address that is
// not public is not connected to unless the settings allow it (address_rule.h), proxies of the
// environment are not used, at most five redirects are followed, only to http(s) and never from
// https to http, and a request with credentials follows none. Retries are the caller's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/core/remote_settings.h"
#include "common/remote/address_rule.h"

using CURL = void;

namespace photoscribe {

/// For AWS' signature, version 4, of S3.
struct Signing {
  std::string access_key, secret_key;
  std::string session_token;  // empty: none
  std::string region;
};

struct HttpRequest {
  std::string url;
  bool head = false;              // no body
  bool anew = false;              // over a connection of its own: name and certificate, too
  const Signing* sign = nullptr;  // none: no credentials are sent
  std::int64_t bytes_max = 0;     // of the body
  std::chrono::milliseconds limit{60'000};
};

enum class FetchError : std::uint8_t {
  status,  // an answer other than 200
  no_such_host,
  resolver,     // DNS itself fails
  unreachable,  // refused, no route, no connection in time
  tls,
  cut,   // the connection ended before the body did
  slow,  // too slow, or nothing at all for too long
  too_large,
  redirect,    // too many, or to where none may lead
  not_public,  // the address may not be asked
  account,     // of S3: who asks, or the bucket as a whole
  machine,     // of this one: no descriptors, no file of certificates
  memory,
};

struct FetchFailure {
  FetchError what = FetchError::status;
  int status = 0;                                   // of FetchError::status
  std::optional<std::chrono::seconds> retry_after;  // what the server asks for
  std::string detail;                               // one line for a person, without the URL
  std::string body;                                 // the beginning of what an error's answer says
  std::int64_t bytes = 0;                           // of the photo that came, where it was cut
  bool redirected = false;                          // before it failed: perhaps by another server
};

class HttpClient {
 public:
  /// `rule`: what_is_not_public(), or what a test puts in its place.
  explicit HttpClient(RemoteSettings settings, AddressRule rule = what_is_not_public);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// The body's size; its bytes are at the beginning of `body`, which only ever grows.
  [[nodiscard]] tl::expected<std::size_t, FetchFailure> get(const HttpRequest& request,
                                                            std::vector<std::uint8_t>& body);

  [[nodiscard]] const RemoteSettings& settings() const noexcept { return settings_; }

 private:
  struct Close {
    void operator()(CURL* handle) const noexcept;
  };
  using Handle = std::unique_ptr<CURL, Close>;
  [[nodiscard]] Handle take();
  void put_back(Handle handle);

  const RemoteSettings settings_;
  const AddressRule rule_;
  std::mutex mutex_;
  std::vector<Handle> idle_;  // the last one used on top: it has its connection still
};

}  // namespace photoscribe
