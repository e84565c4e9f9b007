#include "common/redis/byte_stream.h"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <string>

namespace photoscribe::redis {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

ByteStream::ByteStream(asio::any_io_executor executor) : resolver_(executor), socket_(executor) {}

void ByteStream::close() noexcept {
  closed_ = true;
  resolver_.cancel();
  error_code ignored;  // the peer learns of it or is gone already
  socket_.close(ignored);
}

error_code ByteStream::if_closed(error_code other) const noexcept {
  return closed_ ? error_code(asio::error::operation_aborted) : other;
}

asio::awaitable<Status> ByteStream::open(const Endpoint& endpoint) {
  close();
  closed_ = false;
  tls_.reset();  // a session's state does not outlive its connection
  if (endpoint.transport == Transport::unix_socket) co_return co_await open_unix(endpoint);
  Status connected = co_await open_tcp(endpoint);
  if (!connected || endpoint.transport == Transport::tcp) co_return connected;
  co_return co_await shake_hands(endpoint);
}

asio::awaitable<Status> ByteStream::open_unix(const Endpoint& endpoint) {
  error_code failed;
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  const asio::local::stream_protocol::endpoint place(endpoint.socket_path);
  const Socket::endpoint_type generic(place);
  co_await socket_.async_connect(generic, token);
  if (failed) {
    co_return fail(Errc::redis_unavailable,
                   to_string(endpoint) + ": cannot connect: " + failed.message());
  }
  co_return Status();
}

asio::awaitable<Status> ByteStream::open_tcp(const Endpoint& endpoint) {
  error_code failed;
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  const auto places = co_await resolver_.resolve(endpoint.host, endpoint.port, failed);
  failed = if_closed(failed);
  if (failed) {
    co_return fail(Errc::redis_unavailable, to_string(endpoint) + ": cannot find host " +
                                                endpoint.host + ": " + failed.message());
  }
  for (const auto& place : places) {
    error_code ignored;
    socket_.close(ignored);
    const Socket::endpoint_type generic(place);
    co_await socket_.async_connect(generic, token);
    failed = if_closed(failed);
    if (!failed || failed == asio::error::operation_aborted) break;
  }
  if (failed) {
    co_return fail(Errc::redis_unavailable,
                   to_string(endpoint) + ": cannot connect: " + failed.message());
  }
  error_code ignored;  // both only help: a batch leaves at once, a dead peer is found
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  co_return Status();
}

asio::awaitable<Status> ByteStream::shake_hands(const Endpoint& endpoint) {
  error_code failed;
  tls_context_.emplace(ssl::context::tls_client);
  if (endpoint.ca_file.empty()) {
    tls_context_->set_default_verify_paths(failed);
  } else {
    tls_context_->load_verify_file(endpoint.ca_file, failed);
  }
  if (failed) {
    co_return fail(Errc::redis_refused, to_string(endpoint) + ": cannot read the authorities in " +
                                            endpoint.ca_file + ": " + failed.message());
  }
  tls_.emplace(socket_, *tls_context_);
  if (endpoint.verify_certificate) {
    tls_->set_verify_mode(ssl::verify_peer);
    tls_->set_verify_callback(ssl::host_name_verification(endpoint.host));
  } else {
    tls_->set_verify_mode(ssl::verify_none);
  }
  SSL_set_tlsext_host_name(tls_->native_handle(), endpoint.host.c_str());
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  co_await tls_->async_handshake(ssl::stream_base::client, token);
  if (!failed) co_return Status();
  const std::string message = to_string(endpoint) + ": TLS: " + failed.message();
  if (SSL_get_verify_result(tls_->native_handle()) != X509_V_OK ||
      message.find("certificate verify failed") != std::string::npos) {
    co_return fail(Errc::redis_refused,
                   message +
                       "; name the authority's file with ?ca=FILE, and use the name that "
                       "the certificate is for");
  }
  co_return fail(Errc::redis_unavailable, message);
}

asio::awaitable<error_code> ByteStream::write(std::string_view bytes) {
  error_code failed;
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  const asio::const_buffer buffer(bytes.data(), bytes.size());
  if (tls_) {
    co_await asio::async_write(*tls_, buffer, token);
  } else {
    co_await asio::async_write(socket_, buffer, token);
  }
  co_return failed;
}

asio::awaitable<std::size_t> ByteStream::read_some(std::span<char> into, error_code& failed) {
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  const asio::mutable_buffer buffer(into.data(), into.size());
  if (tls_) co_return co_await tls_->async_read_some(buffer, token);
  co_return co_await socket_.async_read_some(buffer, token);
}

}  // namespace photoscribe::redis
