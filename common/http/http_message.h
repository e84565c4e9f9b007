// http_message: a request and its answer as plain data, and how a target is taken apart. No socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace photoscribe::http {

struct Request {
  std::string method;                          // "GET", "HEAD", "POST" …
  std::string path;                            // decoded, without what follows a `?`
  std::map<std::string, std::string> query;    // decoded; of a name given twice the last
  std::map<std::string, std::string> headers;  // by name in lower case; of a repeated one the first
  std::string body;

  /// Empty for a header or parameter that is not there.
  [[nodiscard]] const std::string& header(const std::string& name) const;
  [[nodiscard]] const std::string& parameter(const std::string& name) const;
  /// Of the `Cookie` header; empty for none.
  [[nodiscard]] std::string cookie(std::string_view name) const;
};

/// Server-sent events: asked for the next ones every `every`; none for now: nothing is sent but a
/// sign of life now and then. Called on the server's thread: it may not block.
struct EventSource {
  std::chrono::milliseconds every{1000};
  std::function<std::optional<std::string>()> next;  // text of one `data:`, without a newline
};

struct Answer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones
  std::string etag = {};  // without quotes; a request that has it gets 304 and no body
  std::optional<EventSource> events = {};  // instead of a body
};

/// `status` with one line of text.
[[nodiscard]] Answer plain_answer(int status, std::string text);

/// "%41+b" → "A b" (`+` only where `plus_is_space`); nothing for a malformed %XX, or a NUL.
[[nodiscard]] std::optional<std::string> url_decoded(std::string_view text, bool plus_is_space);

/// Path and parameters of "/a%20b?c=d"; nothing when it does not begin with a slash or cannot be
/// decoded.
struct Target {
  std::string path;
  std::map<std::string, std::string> query;
};
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

/// Whether `If-None-Match` names this tag (RFC 9110, 13.1.2; weak tags compare as strong ones).
[[nodiscard]] bool matches_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace photoscribe::http
