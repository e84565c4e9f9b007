#include "scheduler/run/http_post.h"

#include <openssl/ssl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>
#include <utility>

#include "common/async/rethrow.h"

namespace photoscribe {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint64_t kBodyMax = 64 << 10;  // of an answer that nobody reads

tl::unexpected<Error> wrong(const std::string& step, const error_code& failed) {
  return fail(Errc::environment, step + ": " + failed.message());
}

http::request<http::string_body> request_of(const WebAddress& address, std::string json) {
  http::request<http::string_body> request(http::verb::post, address.target, 11);
  const bool bare = address.port == (address.tls ? "443" : "80");
  const std::string name =
      address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]";
  request.set(http::field::host, bare ? name : name + ":" + address.port);
  request.set(http::field::user_agent, "photoscribe");
  request.set(http::field::content_type, "application/json");
  request.set(http::field::connection, "close");
  request.body() = std::move(json);
  request.prepare_payload();
  return request;
}

template <class Stream>
asio::awaitable<Expected<int>> exchange(Stream& stream, http::request<http::string_body>& request) {
  error_code failed;
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  co_await http::async_write(stream, request, token);
  if (failed) co_return wrong("send", failed);
  beast::flat_buffer buffer(kBodyMax);
  http::response_parser<http::string_body> parser;
  parser.body_limit(kBodyMax);
  co_await http::async_read_header(stream, buffer, parser, token);
  if (failed) co_return wrong("answer", failed);
  co_return static_cast<int>(parser.get().result_int());
}

asio::awaitable<Expected<int>> post(const WebAddress& address, std::string json,
                                    std::chrono::milliseconds limit) {
  const auto executor = co_await asio::this_coro::executor;
  error_code failed;
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  asio::ip::tcp::resolver resolver(executor);
  const auto places = co_await resolver.async_resolve(address.host, address.port, token);
  if (failed) co_return wrong("look up", failed);
  auto request = request_of(address, std::move(json));
  if (!address.tls) {
    beast::tcp_stream stream(executor);
    stream.expires_after(limit);
    co_await stream.async_connect(places, token);
    if (failed) co_return wrong("connect", failed);
    co_return co_await exchange(stream, request);
  }
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_default_verify_paths(failed);
  context.set_verify_mode(asio::ssl::verify_peer);
  beast::ssl_stream<beast::tcp_stream> stream(executor, context);
  stream.set_verify_callback(asio::ssl::host_name_verification(address.host));
  SSL_set_tlsext_host_name(stream.native_handle(), address.host.c_str());
  beast::get_lowest_layer(stream).expires_after(limit);
  co_await beast::get_lowest_layer(stream).async_connect(places, token);
  if (failed) co_return wrong("connect", failed);
  co_await stream.async_handshake(asio::ssl::stream_base::client, token);
  if (failed) co_return wrong("TLS", failed);
  co_return co_await exchange(stream, request);
}

}  // namespace

Expected<WebAddress> parse_web_address(std::string_view text) {
  WebAddress address;
  address.tls = text.starts_with("https://");
  if (!address.tls && !text.starts_with("http://")) {
    return fail(Errc::usage, "no address: http://HOST/PATH or https://HOST/PATH");
  }
  text.remove_prefix(address.tls ? 8 : 7);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  address.target = std::string(text.substr(end, text.find('#') - end));
  if (!address.target.starts_with("/")) address.target.insert(0, "/");
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f) return fail(Errc::usage, "an address has no spaces in it");
  }
  if (authority.find('@') != std::string_view::npos) {
    return fail(Errc::usage, "an address with a user or password can be read by every user here");
  }
  address.port = address.tls ? "443" : "80";
  const auto bracket = authority.find(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    address.port = std::string(authority.substr(colon + 1));
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with("[") && authority.ends_with("]")) {
    authority = authority.substr(1, authority.size() - 2);
  }
  address.host = std::string(authority);
  const bool port = !address.port.empty() && address.port.size() <= 5 &&
                    address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || !port) return fail(Errc::usage, "the address has no host or port");
  return address;
}

Expected<int> http_post(const WebAddress& address, std::string json,
                        std::chrono::milliseconds limit) {
  asio::io_context io{1};
  std::optional<Expected<int>> answer;
  asio::co_spawn(io, post(address, std::move(json), limit),
                 [&](std::exception_ptr thrown, Expected<int> result) {
                   rethrow(thrown);
                   answer.emplace(std::move(result));
                 });
  io.run_for(limit + std::chrono::seconds(1));  // looking a name up has no limit of its own
  if (!answer) return fail(Errc::environment, "no answer in time");
  return std::move(*answer);
}

}  // namespace photoscribe
