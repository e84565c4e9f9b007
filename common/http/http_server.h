// http_server: a small HTTP/1.1 server for pages and probes of one machine, on Boost.Beast.
//
// One thread moves the bytes; the handler is called on it and must not block: it answers at once,
// or hands the request to threads of its own and answers from there. Requests of a connection are
// answered one after the other. Limits: 16 KiB of headers, 64 KiB of body, ten seconds for either,
// a minute of idleness, 128 connections of which 32 may be event streams. TLS is a proxy's
// business.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/core/error.h"
#include "common/http/http_message.h"
#include "common/http/listen_place.h"

namespace photoscribe::http {

/// To be called once, from any thread, also when the server is gone.
using Respond = std::function<void(Answer)>;
/// Gets every request that is well-formed. HEAD is answered like GET; the body is left out here.
using Handler = std::function<void(std::shared_ptr<const Request>, Respond)>;

struct ServerOptions {
  ListenPlace place;
  /// Sent with every answer that does not set them itself.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string option = "--listen";  // begins the messages
};

class Server {
 public:
  /// Fails with environment where the place is taken or not ours.
  [[nodiscard]] static Expected<std::unique_ptr<Server>> start(ServerOptions options,
                                                               Handler handler);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Closes every connection. The handler is not called after that.
  ~Server();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  struct Core;
  class Session;
  Server() = default;
  std::shared_ptr<Core> core_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace photoscribe::http
