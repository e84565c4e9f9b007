// delay_proxy: a Unix socket in front of another one whose bytes arrive later, each way.
//
//   delay_proxy LISTEN_SOCKET TARGET_SOCKET DELAY_MS
//
// For ops/bench/queue: a Redis server whose round trips take 2 * DELAY_MS longer. Bandwidth is not
// limited: what follows closely arrives as closely. Runs until it is ended by a signal.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Socket = asio::local::stream_protocol::socket;

namespace {

/// Two sockets that belong to each other.
struct Pair {
  explicit Pair(asio::io_context& io) : client(io), server(io) {}
  void close() {
    boost::system::error_code ignored;
    client.close(ignored);
    server.close(ignored);
  }
  Socket client, server;
};

/// One direction: bytes that were read and are not due yet.
struct Late {
  explicit Late(asio::io_context& io) : timer(io) {}
  std::deque<std::pair<Clock::time_point, std::string>> pieces;
  asio::steady_timer timer;  // the writer sleeps on it
  bool ended = false;
};

asio::awaitable<void> read_all(std::shared_ptr<Pair> pair, Socket& from, std::shared_ptr<Late> late,
                               Clock::duration delay) {
  std::string buffer(256 * 1024, '\0');
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  for (;;) {
    const std::size_t got = co_await from.async_read_some(asio::buffer(buffer), token);
    if (error) break;
    late->pieces.emplace_back(Clock::now() + delay, buffer.substr(0, got));
    if (late->pieces.size() == 1) late->timer.cancel();
  }
  late->ended = true;
  late->timer.cancel();
}

asio::awaitable<void> write_all(std::shared_ptr<Pair> pair, Socket& to,
                                std::shared_ptr<Late> late) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  for (;;) {
    if (late->pieces.empty()) {
      if (late->ended) break;
      late->timer.expires_at(Clock::time_point::max());
      co_await late->timer.async_wait(token);
      continue;
    }
    if (late->pieces.front().first > Clock::now()) {
      late->timer.expires_at(late->pieces.front().first);
      co_await late->timer.async_wait(token);
      continue;
    }
    const std::string piece = std::move(late->pieces.front().second);
    late->pieces.pop_front();
    co_await asio::async_write(to, asio::buffer(piece), token);
    if (error) break;
  }
  pair->close();
}

void serve(asio::io_context& io, std::shared_ptr<Pair> pair, Clock::duration delay) {
  const auto up = std::make_shared<Late>(io), down = std::make_shared<Late>(io);
  asio::co_spawn(io, read_all(pair, pair->client, up, delay), asio::detached);
  asio::co_spawn(io, write_all(pair, pair->server, up), asio::detached);
  asio::co_spawn(io, read_all(pair, pair->server, down, delay), asio::detached);
  asio::co_spawn(io, write_all(pair, pair->client, down), asio::detached);
}

asio::awaitable<void> accept_all(asio::io_context& io, std::string listen, std::string target,
                                 Clock::duration delay) {
  asio::local::stream_protocol::acceptor acceptor(io,
                                                  asio::local::stream_protocol::endpoint(listen));
  for (;;) {
    const auto pair = std::make_shared<Pair>(io);
    co_await acceptor.async_accept(pair->client, asio::use_awaitable);
    boost::system::error_code error;
    pair->server.connect(asio::local::stream_protocol::endpoint(target), error);
    if (error) {
      pair->close();
      continue;
    }
    serve(io, pair, delay);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "delay_proxy LISTEN_SOCKET TARGET_SOCKET DELAY_MS\n");
    return 2;
  }
  const std::chrono::duration<double, std::milli> delay(std::atof(argv[3]));
  ::unlink(argv[1]);
  asio::io_context io{1};
  asio::co_spawn(
      io, accept_all(io, argv[1], argv[2], std::chrono::duration_cast<Clock::duration>(delay)),
      [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
      });
  io.run();
  return 0;
}
