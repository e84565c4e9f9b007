// http_client: one HTTP request over a connection of its own, blocking.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <map>
#include <string>

namespace photoscribe::test {

struct HttpReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names as sent
  std::string body;
};

struct HttpCall {
  std::string method = "GET";
  std::string target = "/";
  std::map<std::string, std::string> headers = {};
  std::string body = {};
};

/// Fails the caller by throwing when there is no answer.
inline HttpReply http(std::uint16_t port, const HttpCall& call) {
  namespace asio = boost::asio;
  namespace beast = boost::beast;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::make_address("127.0.0.1"), port});
  beast::http::request<beast::http::string_body> request;
  request.method_string(call.method);
  request.target(call.target);
  request.version(11);
  request.set(beast::http::field::host, "127.0.0.1:" + std::to_string(port));
  for (const auto& [name, value] : call.headers) request.set(name, value);
  request.body() = call.body;
  request.prepare_payload();
  beast::http::write(socket, request);
  beast::flat_buffer buffer;
  beast::http::response_parser<beast::http::string_body> parser;
  parser.skip(call.method == "HEAD");
  parser.body_limit(64U << 20);
  beast::http::read(socket, buffer, parser);
  HttpReply reply;
  reply.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    reply.headers.emplace(std::string(field.name_string()), std::string(field.value()));
  }
  reply.body = parser.get().body();
  return reply;
}

/// Sends bytes as they are; all that comes back until the peer closes.
inline std::string raw_http(std::uint16_t port, const std::string& bytes) {
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::make_address("127.0.0.1"), port});
  boost::system::error_code closed;
  asio::write(socket, asio::buffer(bytes), closed);
  std::string reply;
  asio::read(socket, asio::dynamic_buffer(reply), closed);
  return reply;
}

}  // namespace photoscribe::test
