#include "tests/support/http_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace photoscribe::test {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

HttpServer::HttpServer(Handler handler, std::optional<Certificate> certificate)
    : handler_(std::move(handler)),
      scheme_(certificate ? "https" : "http"),
      host_(certificate ? "localhost" : "127.0.0.1") {
  if (certificate) present(*certificate);
  start();
}

void HttpServer::present(const Certificate& certificate) {
  tls_.emplace(asio::ssl::context::tls_server);
  tls_->use_certificate_chain_file(certificate.certificate_file);
  tls_->use_private_key_file(certificate.key_file, asio::ssl::context::pem);
}

HttpServer::~HttpServer() { stop(); }

void HttpServer::start() {
  stopping_ = false;
  door_.emplace(io_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port_));
  port_ = door_->local_endpoint().port();
  acceptor_ = std::thread([this] { accept_loop(); });
}

void HttpServer::stop() {
  if (!door_) return;
  stopping_ = true;
  ::shutdown(door_->native_handle(), SHUT_RDWR);
  acceptor_.join();
  door_.reset();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void HttpServer::accept_loop() {
  while (!stopping_) {
    Socket socket(io_);
    error_code failed;
    door_->accept(socket, failed);
    if (failed) continue;
    ++connections_;
    const std::lock_guard lock(mutex_);
    open_.insert(socket.native_handle());
    threads_.emplace_back([this, one = std::move(socket)]() mutable { serve(std::move(one)); });
  }
}

void HttpServer::serve(Socket socket) {
  const int number = socket.native_handle();
  error_code failed;
  if (tls_) {
    asio::ssl::stream<Socket&> stream(socket, *tls_);
    stream.handshake(asio::ssl::stream_base::server, failed);
    if (!failed) talk(stream);
  } else {
    talk(socket);
  }
  const std::lock_guard lock(mutex_);
  open_.erase(number);
  socket.close(failed);
}

template <class Stream>
void HttpServer::talk(Stream& stream) {
  boost::beast::flat_buffer buffer;
  for (;;) {
    http::request<http::string_body> request;
    error_code failed;
    http::read(stream, buffer, request, failed);
    if (failed) return;
    Asked asked{std::string(request.method_string()), std::string(request.target()), {}};
    for (const auto& field : request) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      asked.headers[name] = std::string(field.value());
    }
    ++requests_;
    const int now = ++at_once_;
    for (int most = at_once_max_; now > most && !at_once_max_.compare_exchange_weak(most, now);) {
    }
    const bool more = send(stream, handler_(asked), asked.method == "HEAD");
    --at_once_;
    if (!more) return;
  }
}

template <class Stream>
bool HttpServer::send(Stream& stream, const Answer& answer, bool head) {
  wait(answer.wait);
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Test\r\n";
  if (answer.tells_length) {
    text += "Content-Length: " + std::to_string(answer.told_length.value_or(answer.body.size())) +
            "\r\n";
  }
  for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
  text += "\r\n";
  const std::size_t bytes = std::min({answer.body.size(), answer.cut_after.value_or(SIZE_MAX),
                                      answer.stall_after.value_or(SIZE_MAX)});
  if (!head) text += answer.body.substr(0, bytes);
  error_code failed;
  asio::write(stream, asio::buffer(text), failed);
  if (failed) return false;
  if (head) return true;
  if (answer.stall_after) wait(std::chrono::hours(1));
  return answer.tells_length && !answer.cut_after && !answer.stall_after &&
         answer.told_length.value_or(bytes) == bytes;
}

void HttpServer::wait(std::chrono::milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!stopping_ && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::min(time, std::chrono::milliseconds(10)));
}

}  // namespace photoscribe::test
