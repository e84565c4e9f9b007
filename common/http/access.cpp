#include "common/http/access.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "common/core/sha256.h"
#include "common/text/escape.h"

namespace photoscribe::http {
namespace {

/// What the cookie holds: who reads it has not the token.
std::string cookie_of(const std::string& token) {
  const std::string text = "photoscribe cookie " + token;
  return to_hex(sha256_of(text.data(), text.size()));
}

bool has_token(const Access& access, const Request& request) {
  const std::string& header = request.header("authorization");
  if (header.starts_with("Bearer ") && equal_secrets(header.substr(7), access.token)) return true;
  return equal_secrets(request.cookie(access.cookie), cookie_of(access.token));
}

/// The path that was asked for, as one of this server: not "//elsewhere", and with nothing in it
/// that ends a header.
std::string place_of(const Request& request) {
  const std::size_t name = std::min(request.path.find_first_not_of('/'), request.path.size());
  return "/" + percent_encoded(std::string_view(request.path).substr(name), true);
}

Answer sign_in(const Access& access, const Request& request) {
  if (!equal_secrets(request.parameter("token"), access.token)) {
    return plain_answer(401, "this is not the token");
  }
  Answer answer = plain_answer(303, "signed in");
  answer.headers = {{"Location", place_of(request)},
                    {"Set-Cookie", access.cookie + "=" + cookie_of(access.token) +
                                       "; Path=/; HttpOnly; SameSite=Strict"}};
  return answer;
}

bool changes_something(const Request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

/// A page of ours sends both; a program that is no browser sends neither.
bool comes_from_our_page(const Request& request) {
  const std::string& site = request.header("sec-fetch-site");
  if (!site.empty()) return site == "same-origin";
  const std::string& origin = request.header("origin");
  const std::string& host = request.header("host");
  return origin.empty() || origin == "http://" + host || origin == "https://" + host;
}

std::optional<Answer> foreign(const Access& access, const Request& request) {
  if (access.loopback && !names_this_machine(request.header("host"))) {
    return plain_answer(403, "the Host of this request is not this machine's: use 127.0.0.1");
  }
  if (!changes_something(request)) return std::nullopt;
  if (!comes_from_our_page(request)) {
    return plain_answer(403, "a page from elsewhere may change nothing here");
  }
  if (!request.header("content-type").starts_with("application/json")) {  // no HTML form sends it
    return plain_answer(415, "send JSON, with Content-Type: application/json");
  }
  return std::nullopt;
}

}  // namespace

bool names_this_machine(std::string_view host) {
  if (const auto colon = host.rfind(':');
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    host = host.substr(0, colon);
  }
  if (host == "localhost") return true;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code unknown;
  const auto address = boost::asio::ip::make_address(std::string(host), unknown);
  return !unknown && address.is_loopback();
}

bool equal_secrets(std::string_view a, std::string_view b) noexcept {
  // Their hashes have one length, and say nothing of where the texts differ.
  const ContentHash x = sha256_of(a.data(), a.size()), y = sha256_of(b.data(), b.size());
  unsigned differ = 0;
  for (std::size_t i = 0; i < x.size(); ++i) differ |= static_cast<unsigned>(x[i] ^ y[i]);
  return differ == 0;
}

std::optional<Answer> refusal(const Access& access, const Request& request) {
  if (auto from_elsewhere = foreign(access, request)) return from_elsewhere;
  if (access.token.empty() || has_token(access, request)) return std::nullopt;
  if (request.method == "GET" && !request.parameter("token").empty()) {
    return sign_in(access, request);
  }
  Answer answer = plain_answer(
      401, "this needs the token: open /?token=… once, or send Authorization: Bearer …");
  answer.headers = {{"WWW-Authenticate", "Bearer"}};
  return answer;
}

}  // namespace photoscribe::http
