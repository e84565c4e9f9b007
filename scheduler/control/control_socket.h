// control_socket: how a verb reaches the scheduler that holds a database: a unix socket in the
// state folder, one line there and one line back.
//
// Only the user who started the scheduler may connect (mode 0600). Socket paths end at 107 bytes
// and state folders need not: both sides go through /proc/self/fd then. What is asked is
// control.h's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "common/core/error.h"
#include "scheduler/control/control.h"

namespace photoscribe {

namespace asio = boost::asio;

/// Belongs to one io_context that one thread runs.
class ControlServer {
 public:
  using Handler = std::function<asio::awaitable<Expected<ControlReply>>(ControlRequest)>;

  ControlServer(asio::io_context& io, Handler handler) : io_(io), handler_(std::move(handler)) {}
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer() { close(); }

  /// Listens in `folder`, replacing what a killed scheduler left there: the caller holds the
  /// folder's lock. Fails with environment where no socket can be made.
  [[nodiscard]] Status open(const std::string& folder);
  /// Takes the socket away; requests that are being applied are still answered.
  void close();

 private:
  struct Session;
  asio::awaitable<void> accept_loop(std::shared_ptr<asio::local::stream_protocol::acceptor> door);
  asio::awaitable<void> serve(std::shared_ptr<Session> session);

  asio::io_context& io_;
  Handler handler_;
  std::shared_ptr<asio::local::stream_protocol::acceptor> door_;
  std::list<std::weak_ptr<Session>> sessions_;
  std::string path_;
};

/// Asks the scheduler whose state folder this is. Blocks, for `patience` at most.
///
/// Fails with run_gone when nobody listens there; environment when the answer does not come; else
/// with what the scheduler answered.
[[nodiscard]] Expected<ControlReply> ask_scheduler(const std::string& folder,
                                                   const ControlRequest& request,
                                                   std::chrono::milliseconds patience);

}  // namespace photoscribe
