// What browsers, scrapers and anybody else send to a server of ours, in a form of our own: a line
// of target, then a line each of "name: value". Beast has parsed the request before.
#include <cctype>

#include "common/http/access.h"
#include "common/http/http_message.h"
#include "common/http/listen_place.h"
#include "ops/serve/photo_request.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace photoscribe;

std::string_view line_of(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

http::Request request_of(std::string_view text) {
  http::Request request;
  request.method = "GET";
  if (auto target = http::parse_target(line_of(text))) {
    fuzz::require(target->path.starts_with('/'));
    fuzz::require(target->path.find('\0') == std::string::npos);
    request.path = std::move(target->path);
    request.query = std::move(target->query);
  }
  while (!text.empty()) {
    const std::string_view line = line_of(text);
    const std::size_t colon = std::min(line.find(": "), line.size());
    std::string name(line.substr(0, colon));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    request.headers.emplace(name, line.substr(std::min(colon + 2, line.size())));
  }
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const http::Request request = request_of(text);
  static const std::string kToken = "0123456789abcdef0123456789abcdef";
  const http::Access guarded{false, kToken};
  // Nobody gets in without having said the token, in whatever place.
  fuzz::require(http::refusal(guarded, request).has_value() ||
                text.find(kToken) != std::string_view::npos || request.headers.contains("cookie"));
  if (const auto answer = http::refusal(guarded, request)) {
    for (const auto& [name, value] : answer->headers) {
      fuzz::require(value.find_first_of("\r\n") == std::string::npos && !value.starts_with("//"));
    }
  }
  if (!http::refusal({}, request)) {
    fuzz::require(http::names_this_machine(request.header("host")));
  }
  static_cast<void>(http::matches_etag(request.header("if-none-match"), "a tag"));
  static_cast<void>(http::parse_listen_place(request.path, "--http"));
  static_cast<void>(serve::photo_query(request.query));
  static_cast<void>(serve::as_typed(request.parameter("q")));
  for (const auto& [name, value] : request.query) {
    const auto number = serve::integer_parameter(request.query, name, -5, 100, 7);
    fuzz::require(!number || (*number >= -5 && *number <= 100));
    static_cast<void>(serve::real_parameter(request.query, name));
  }
  return 0;
}
