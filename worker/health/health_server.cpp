#include "worker/health/health_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "common/text/utf8.h"

namespace photoscribe {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::seconds kRequestLimit{5};
constexpr std::size_t kRequestBytesMax = 8 * 1024;
constexpr int kSessionsMax = 32;

struct Place {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};

std::optional<Place> parse_place(const std::string& at) {
  Place place;
  std::string_view port = at;
  if (const auto colon = at.rfind(':'); colon != std::string::npos) {
    place.host = at.substr(0, colon);
    port = std::string_view(at).substr(colon + 1);
    if (place.host.starts_with('[') && place.host.ends_with(']'))
      place.host = place.host.substr(1, place.host.size() - 2);
  }
  const auto [stop, wrong] = std::from_chars(port.data(), port.data() + port.size(), place.port);
  if (wrong != std::errc{} || stop != port.data() + port.size() || place.host.empty())
    return std::nullopt;
  return place;
}

}  // namespace

struct HealthServer::Shared {
  Shared(asio::io_context& io, Ask question) : acceptor(io), ask(std::move(question)) {}
  Tcp::acceptor acceptor;
  Ask ask;
  int sessions = 0;
};

namespace {

/// One request and its answer; holds itself while anything of it is in flight.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, HealthServer::Ask ask, std::function<void()> ended)
      : stream_(std::move(socket)), ask_(std::move(ask)), ended_(std::move(ended)) {
    parser_.header_limit(kRequestBytesMax);
    parser_.body_limit(kRequestBytesMax);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { ended_(); }

  void run() {
    stream_.expires_after(kRequestLimit);
    http::async_read_header(stream_, buffer_, parser_,
                            [self = shared_from_this()](error_code failed, std::size_t) {
                              if (!failed) self->answer();
                            });
  }

 private:
  void answer() {
    const auto& request = parser_.get();
    const std::string_view method(request.method_string().data(), request.method_string().size());
    const std::string_view target(request.target().data(), request.target().size());
    const HttpAnswer made = health_answer(method, target, ask_());
    response_.version(request.version());
    response_.result(static_cast<unsigned>(made.status));
    response_.set(http::field::content_type, "text/plain; charset=utf-8");
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.keep_alive(false);
    response_.body() = made.body;
    response_.prepare_payload();
    if (request.method() == http::verb::head) response_.body().clear();
    stream_.expires_after(kRequestLimit);
    http::async_write(stream_, response_, [self = shared_from_this()](error_code, std::size_t) {
      error_code ignored;  // the peer may be gone
      self->stream_.socket().shutdown(Tcp::socket::shutdown_both, ignored);
    });
  }

  beast::tcp_stream stream_;
  HealthServer::Ask ask_;
  std::function<void()> ended_;
  beast::flat_buffer buffer_{kRequestBytesMax};
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
};

template <class Shared>
void accept_next(const std::shared_ptr<Shared>& shared) {
  shared->acceptor.async_accept([shared](error_code failed, Tcp::socket socket) {
    if (failed == asio::error::operation_aborted || !shared->acceptor.is_open()) return;
    if (!failed && shared->sessions < kSessionsMax) {
      ++shared->sessions;
      std::make_shared<Session>(std::move(socket), shared->ask, [shared] {
        --shared->sessions;
      })->run();
    }
    accept_next(shared);
  });
}

}  // namespace

HttpAnswer health_answer(std::string_view method, std::string_view target,
                         const Health::Report& report) {
  if (method != "GET" && method != "HEAD") return {405, "only GET\n"};
  const std::string_view path = target.substr(0, target.find('?'));
  if (path == "/livez") {
    return report.alive ? HttpAnswer{200, "alive\n"} : HttpAnswer{503, replaced(report.why) + "\n"};
  }
  if (path == "/readyz") {
    return report.ready ? HttpAnswer{200, "ready\n"} : HttpAnswer{503, replaced(report.why) + "\n"};
  }
  return {404, "there are /livez and /readyz\n"};
}

Expected<std::unique_ptr<HealthServer>> HealthServer::start(const std::string& at, Ask ask) {
  const std::optional<Place> place = parse_place(at);
  if (!place) {
    return fail(Errc::usage, "--http: \"" + at + "\" is not PORT or HOST:PORT, such as 9101");
  }
  std::unique_ptr<HealthServer> server(new HealthServer());
  server->shared_ = std::make_shared<Shared>(server->io_, std::move(ask));
  Tcp::acceptor& acceptor = server->shared_->acceptor;
  error_code failed;
  const auto address =
      asio::ip::make_address(place->host == "localhost" ? "127.0.0.1" : place->host, failed);
  if (failed) {
    return fail(Errc::usage, "--http: " + place->host + " is not an IP address of this machine");
  }
  const Tcp::endpoint endpoint(address, place->port);
  acceptor.open(endpoint.protocol(), failed);
  if (!failed) acceptor.set_option(asio::socket_base::reuse_address(true), failed);
  if (!failed) acceptor.bind(endpoint, failed);
  if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return fail(Errc::environment, "--http " + at + ": " + failed.message());
  server->port_ = acceptor.local_endpoint().port();
  accept_next(server->shared_);
  server->thread_ = std::thread([raw = server.get()] { raw->io_.run(); });
  return server;
}

HealthServer::~HealthServer() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace photoscribe
