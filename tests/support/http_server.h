// http_server: a web server of one test's own, plain or with TLS, that answers what the test says,
// and can cut, stall and lie about lengths.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/certificate.h"

namespace photoscribe::test {

struct Asked {
  std::string method, target;
  std::map<std::string, std::string> headers;  // names in lower case
};

struct Answer {
  int status = 200;
  std::string body{};
  std::map<std::string, std::string> headers{};
  std::optional<std::size_t> told_length{};  // Content-Length; none: the body's
  bool tells_length = true;                  // else the end of the connection is the body's
  std::optional<std::size_t> cut_after{};    // bytes of the body; then the connection is closed
  std::chrono::milliseconds wait{0};         // before the answer
  std::optional<std::size_t> stall_after{};  // bytes of the body; then nothing more comes
};

class HttpServer {
 public:
  /// Called on the connections' threads.
  using Handler = std::function<Answer(const Asked&)>;

  /// On a free port of 127.0.0.1; with a certificate, with TLS (make_certificate()).
  explicit HttpServer(Handler handler, std::optional<Certificate> certificate = std::nullopt);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::string url(const std::string& path = "") const {
    return scheme_ + "://" + host_ + ":" + std::to_string(port_) + path;
  }
  [[nodiscard]] unsigned short port() const { return port_; }
  /// Connections are reset, later ones refused.
  void stop();
  /// Again on the same port.
  void start();
  /// Another certificate, while it is stopped.
  void present(const Certificate& certificate);

  [[nodiscard]] int requests() const { return requests_; }
  [[nodiscard]] int connections() const { return connections_; }
  /// At the same time.
  [[nodiscard]] int requests_max() const { return at_once_max_; }

 private:
  using Socket = boost::asio::ip::tcp::socket;
  void accept_loop();
  void serve(Socket socket);
  template <class Stream>
  void talk(Stream& stream);
  template <class Stream>
  [[nodiscard]] bool send(Stream& stream, const Answer& answer, bool head);
  void wait(std::chrono::milliseconds time) const;

  const Handler handler_;
  const std::string scheme_, host_;
  std::optional<boost::asio::ssl::context> tls_;
  boost::asio::io_context io_;
  std::optional<boost::asio::ip::tcp::acceptor> door_;
  unsigned short port_ = 0;
  std::thread acceptor_;
  std::mutex mutex_;
  std::set<int> open_;  // sockets
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0}, connections_{0}, at_once_{0}, at_once_max_{0};
};

}  // namespace photoscribe::test
