// health_server: GET /livez and /readyz over HTTP, for whoever watches over workers.
//
// 200 or 503 with one line of text. On a thread of its own, so that it answers for a worker whose
// loop stands still. It takes no input but the path, from a request of at most 8 KiB within five
// seconds, on at most 32 connections at once, and keeps none open.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "common/core/error.h"
#include "worker/health/health.h"

namespace photoscribe {

struct HttpAnswer {
  int status = 200;
  std::string body;
};
/// What a request for `target` with `method` gets. Pure.
[[nodiscard]] HttpAnswer health_answer(std::string_view method, std::string_view target,
                                       const Health::Report& report);

class HealthServer {
 public:
  using Ask = std::function<Health::Report()>;

  /// Listens on `at`: "PORT" is on 127.0.0.1, "HOST:PORT" or "[V6]:PORT" where that says; port 0:
  /// any that is free. `ask` is called on the server's thread. Fails with usage (no address) or
  /// environment (taken, not ours).
  [[nodiscard]] static Expected<std::unique_ptr<HealthServer>> start(const std::string& at,
                                                                     Ask ask);
  HealthServer(const HealthServer&) = delete;
  HealthServer& operator=(const HealthServer&) = delete;
  ~HealthServer();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  struct Shared;
  HealthServer() = default;
  boost::asio::io_context io_{1};
  std::shared_ptr<Shared> shared_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace photoscribe
