// byte_stream: the bytes between us and a server: TCP, unix socket or TLS, by Boost.Asio.
//
// No deadlines and no RESP here; whoever holds it closes it when time is up, and operations in
// flight then end with operation_aborted. Private to common/redis.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "common/core/error.h"
#include "common/redis/endpoint.h"
#include "common/redis/resolver.h"

namespace photoscribe::redis {

class ByteStream {
 public:
  explicit ByteStream(boost::asio::any_io_executor executor);

  /// Resolves, connects and, for TLS, shakes hands and checks the certificate's chain and name.
  /// `endpoint` must outlive the call.
  [[nodiscard]] boost::asio::awaitable<Status> open(const Endpoint& endpoint);

  /// All of `bytes`, which must outlive the call.
  [[nodiscard]] boost::asio::awaitable<boost::system::error_code> write(std::string_view bytes);
  /// At least one byte, unless `failed` says why not.
  [[nodiscard]] boost::asio::awaitable<std::size_t> read_some(std::span<char> into,
                                                              boost::system::error_code& failed);

  void close() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }

 private:
  using Socket = boost::asio::generic::stream_protocol::socket;

  /// Whether close() was called since open() began: between two operations nothing else tells.
  [[nodiscard]] boost::system::error_code if_closed(boost::system::error_code other) const noexcept;
  [[nodiscard]] boost::asio::awaitable<Status> open_unix(const Endpoint& endpoint);
  [[nodiscard]] boost::asio::awaitable<Status> open_tcp(const Endpoint& endpoint);
  [[nodiscard]] boost::asio::awaitable<Status> shake_hands(const Endpoint& endpoint);

  Resolver resolver_;
  Socket socket_;
  bool closed_ = false;
  std::optional<boost::asio::ssl::context> tls_context_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;  // over socket_; none without TLS
};

}  // namespace photoscribe::redis
