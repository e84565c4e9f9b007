// s3_server: a bucket of one test's own, faithful in what photoscribe uses: SigV4 is checked as
// Amazon does, ListObjectsV2 comes in pages, errors are XML.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "tests/support/http_server.h"

namespace photoscribe::test {

struct S3Keys {
  std::string access_key = "AKIATEST", secret_key = "s3cr3t/of+the+test";
  std::string session_token{};  // empty: none is wanted
  std::string region = "eu-test-1";
};

class S3Server {
 public:
  explicit S3Server(S3Keys keys = {}, int page_keys = 1'000);

  /// Path-style, for AWS_ENDPOINT_URL.
  [[nodiscard]] std::string endpoint() const { return server_.url(); }
  [[nodiscard]] HttpServer& http() { return server_; }
  void put(const std::string& key, const std::string& bytes);
  void remove(const std::string& key);
  /// Any signature, or none, will do.
  void open_to_all() { public_ = true; }
  /// From now on every answer is this error of S3, which no object is to blame for.
  void refuse_with(const std::string& code) {
    const std::lock_guard lock(mutex_);
    error_ = code;
  }
  [[nodiscard]] int pages_listed() const { return pages_; }
  /// The environment of a program that may read it.
  [[nodiscard]] std::map<std::string, std::string> environment() const;

  static constexpr const char* kBucket = "photos";

 private:
  struct Object {
    std::string bytes;
    std::int64_t modified_s = 1'700'000'000;
  };
  [[nodiscard]] Answer answer(const Asked& asked);
  [[nodiscard]] Answer list(const std::map<std::string, std::string>& query);
  [[nodiscard]] bool is_signed(const Asked& asked) const;

  const S3Keys keys_;
  const int page_keys_;
  std::mutex mutex_;
  std::map<std::string, Object> objects_;
  std::string error_;
  std::atomic<bool> public_{false};
  std::atomic<int> pages_{0};
  HttpServer server_;  // last: it uses the rest
};

}  // namespace photoscribe::test
