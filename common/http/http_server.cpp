#include "common/http/http_server.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

namespace photoscribe::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::seconds kRequestLimit{10}, kAnswerLimit{60}, kIdleLimit{60};
constexpr std::chrono::seconds kSignOfLife{15};
constexpr std::chrono::milliseconds kAcceptPause{200};  // when there are no descriptors left
constexpr std::uint32_t kHeaderBytesMax = 16 * 1024;
constexpr std::uint64_t kBodyBytesMax = 64 * 1024;
constexpr int kSessionsMax = 128, kStreamsMax = 32;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

using Message = beast::http::request<beast::http::string_body>;

std::shared_ptr<const Request> request_of(const Message& message, Target target) {
  auto request = std::make_shared<Request>();
  request->method = std::string(message.method_string());
  request->path = std::move(target.path);
  request->query = std::move(target.query);
  for (const auto& field : message) {
    request->headers.emplace(lower({field.name_string().data(), field.name_string().size()}),
                             std::string(field.value()));
  }
  request->body = message.body();
  return request;
}

/// What is answered to bytes that are no request we take; 0: nothing is, the peer has gone.
int status_of(const error_code& wrong) {
  using beast::http::error;
  if (wrong == error::header_limit) return 431;
  if (wrong == error::body_limit) return 413;
  if (wrong == error::end_of_stream || wrong == error::partial_message) return 0;
  return wrong.category() == make_error_code(error::bad_method).category() ? 400 : 0;
}

}  // namespace

struct Server::Core : std::enable_shared_from_this<Server::Core> {
  Core(ServerOptions given, Handler answers)
      : options(std::move(given)), handler(std::move(answers)) {}
  ServerOptions options;
  Handler handler;
  int sessions = 0, streams = 0;
  asio::io_context io{1};  // goes before those: sessions that wait in it count down above
  Tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::set<std::shared_ptr<Session>> answering;  // those whose answer is being made elsewhere

  Status open();
  void accept_next();
};

/// One connection; what is in flight holds it.
class Server::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, Core& core)
      : core_(core), stream_(std::move(socket)), timer_(core.io) {
    ++core_.sessions;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    --core_.sessions;
    if (streams_) --core_.streams;
  }

  void read_request() {
    parser_.emplace();
    parser_->header_limit(kHeaderBytesMax);
    parser_->body_limit(kBodyBytesMax);
    stream_.expires_after(first_ ? kRequestLimit : kIdleLimit);
    first_ = false;
    beast::http::async_read_header(
        stream_, buffer_, *parser_, [self = shared_from_this()](error_code failed, std::size_t) {
          if (failed) return self->refuse(failed);
          self->stream_.expires_after(kRequestLimit);
          beast::http::async_read(self->stream_, self->buffer_, *self->parser_,
                                  [self](error_code wrong, std::size_t) {
                                    if (wrong) return self->refuse(wrong);
                                    self->ask();
                                  });
        });
  }

 private:
  void refuse(const error_code& wrong) {
    const int status = status_of(wrong);
    if (status == 0) return;
    keep_alive_ = head_ = false;
    write(plain_answer(status, status == 431   ? "the headers are too long"
                               : status == 413 ? "the body is too long"
                                               : "this is no HTTP request"));
  }

  void ask() {
    const Message& message = parser_->get();
    keep_alive_ = message.keep_alive();
    version_ = message.version();
    head_ = message.method() == beast::http::verb::head;
    if_none_match_ = std::string(message[beast::http::field::if_none_match]);
    auto target = parse_target({message.target().data(), message.target().size()});
    if (!target) return write(plain_answer(400, "this address cannot be read"));
    core_.answering.insert(shared_from_this());
    core_.handler(request_of(message, std::move(*target)), responder());
  }

  /// Keeps neither the session nor its io_context: answers may come when both are gone.
  Respond responder() {
    return [weak = weak_from_this(), core = core_.weak_from_this()](Answer answer) {
      const std::shared_ptr<Core> alive = core.lock();
      if (!alive) return;
      asio::post(alive->io, [weak, answer = std::move(answer)]() mutable {
        const auto self = weak.lock();
        if (!self || self->core_.answering.erase(self) == 0) return;
        self->write(std::move(answer));
      });
    };
  }

  void write(Answer answer) {
    if (answer.events && !head_ && core_.streams >= kStreamsMax) {
      answer = plain_answer(503, "too many pages are open");
    }
    const bool streams = answer.events && !head_;
    const bool unchanged =
        answer.status == 200 && !answer.etag.empty() && matches_etag(if_none_match_, answer.etag);
    response_ = {};
    response_.version(version_);
    response_.result(static_cast<unsigned>(unchanged ? 304 : answer.status));
    for (const auto& [name, value] : core_.options.headers) response_.set(name, value);
    for (const auto& [name, value] : answer.headers) response_.set(name, value);
    if (!answer.etag.empty()) response_.set(beast::http::field::etag, "\"" + answer.etag + "\"");
    response_.keep_alive(keep_alive_ && !streams);
    if (streams) return begin_events(std::move(*answer.events));
    if (!unchanged) {
      response_.set(beast::http::field::content_type, answer.type);
      response_.body() = std::move(answer.body);
      response_.prepare_payload();
    }
    serializer_.emplace(response_);
    stream_.expires_after(kAnswerLimit);
    const auto written = [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return;
      if (!self->keep_alive_) return self->close();
      self->read_request();
    };
    if (head_) {
      beast::http::async_write_header(stream_, *serializer_, written);
    } else {
      beast::http::async_write(stream_, *serializer_, written);
    }
  }

  void close() {
    error_code ignored;  // the peer may be gone
    stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  }

  // --- server-sent events: until the peer goes ---

  void begin_events(EventSource source) {
    streams_ = true;
    ++core_.streams;
    events_ = std::move(source);
    response_.set(beast::http::field::content_type, "text/event-stream");
    response_.set(beast::http::field::cache_control, "no-store");
    text_ = "retry: 2000\n\n";
    serializer_.emplace(response_);
    stream_.expires_after(kAnswerLimit);
    beast::http::async_write_header(stream_, *serializer_,
                                    [self = shared_from_this()](error_code failed, std::size_t) {
                                      if (!failed) self->send_text();
                                    });
  }

  void send_text() {
    last_sent_ = std::chrono::steady_clock::now();
    stream_.expires_after(kAnswerLimit);
    asio::async_write(stream_, asio::buffer(text_),
                      [self = shared_from_this()](error_code failed, std::size_t) {
                        if (!failed) self->take_events();
                      });
  }

  void take_events() {
    text_.clear();
    if (const std::optional<std::string> data = events_.next()) {
      text_ = "data: " + *data + "\n\n";
    } else if (std::chrono::steady_clock::now() - last_sent_ > kSignOfLife) {
      text_ = ":\n\n";
    }
    timer_.expires_after(events_.every);
    timer_.async_wait([self = shared_from_this()](error_code failed) {
      if (failed) return;
      if (self->text_.empty()) return self->take_events();
      self->send_text();
    });
  }

  Core& core_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{kHeaderBytesMax + kBodyBytesMax};
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  beast::http::response<beast::http::string_body> response_;
  std::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
  asio::steady_timer timer_;
  bool first_ = true, keep_alive_ = false, head_ = false, streams_ = false;
  unsigned version_ = 11;
  std::string if_none_match_, text_;
  EventSource events_;
  std::chrono::steady_clock::time_point last_sent_{};
};

Status Server::Core::open() {
  const ListenPlace& place = options.place;
  error_code failed;
  const Tcp::endpoint endpoint(asio::ip::make_address(place.address), place.port);
  acceptor.open(endpoint.protocol(), failed);
  if (!failed) acceptor.set_option(asio::socket_base::reuse_address(true), failed);
  if (!failed) acceptor.bind(endpoint, failed);
  if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
  if (!failed) return {};
  return fail(Errc::environment, options.option + " " + place.address + ":" +
                                     std::to_string(place.port) + ": " + failed.message());
}

void Server::Core::accept_next() {
  acceptor.async_accept([this](error_code failed, Tcp::socket socket) {
    if (failed == asio::error::operation_aborted) return;
    if (failed) {  // no descriptors left: trying at once would only burn the processor
      pause.expires_after(kAcceptPause);
      return pause.async_wait([this](error_code ended) {
        if (!ended) accept_next();
      });
    }
    if (sessions < kSessionsMax) {
      std::make_shared<Session>(std::move(socket), *this)->read_request();
    }
    accept_next();
  });
}

Expected<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler) {
  std::unique_ptr<Server> server(new Server());
  server->core_ = std::make_shared<Core>(std::move(options), std::move(handler));
  if (Status open = server->core_->open(); !open) return fail(open.error());
  server->port_ = server->core_->acceptor.local_endpoint().port();
  server->core_->accept_next();
  server->thread_ = std::thread([core = server->core_.get()] { core->io.run(); });
  return server;
}

Server::~Server() {
  if (core_) core_->io.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace photoscribe::http
