#include "common/redis/connection.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <deque>
#include <optional>
#include <utility>

#include "common/redis/byte_stream.h"
#include "common/redis/errors.h"
#include "common/redis/parser.h"

namespace photoscribe::redis {

using boost::system::error_code;
using Clock = asio::steady_timer::clock_type;

namespace {
constexpr std::size_t kReadBytes = 64 * 1024;

std::string in_words(milliseconds time) {
  if (time.count() % 1000 != 0) return std::to_string(time.count()) + " ms";
  return std::to_string(time.count() / 1000) + " s";
}
}  // namespace

class Connection::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, Endpoint endpoint, ConnectionOptions options)
      : endpoint_(std::move(endpoint)),
        options_(std::move(options)),
        stream_(executor),
        deadline_(executor),
        chunk_(kReadBytes) {
    std::replace(options_.client_name.begin(), options_.client_name.end(), ' ', '_');
  }

  asio::awaitable<Status> connect();
  /// Sends `request` and reads `count` replies.
  asio::awaitable<Expected<std::vector<Reply>>> exchange(std::string request, std::size_t count,
                                                         std::string operation,
                                                         milliseconds timeout);
  void close() noexcept { stop(Stopped::closed); }
  bool is_open() const noexcept { return ready_; }
  asio::any_io_executor executor() { return deadline_.get_executor(); }

  const Endpoint endpoint_;
  ConnectionOptions options_;
  std::uint64_t generation_ = 0;

 private:
  enum class Stopped { no, late, closed };
  class Turn;

  asio::awaitable<Status> enter(Clock::time_point until, const std::string& operation);
  void leave() noexcept;
  void arm(Clock::time_point until);
  void stop(Stopped why) noexcept;
  asio::awaitable<Status> log_in();
  asio::awaitable<Expected<std::vector<Reply>>> roundtrip(const std::string& request,
                                                          std::size_t count,
                                                          const std::string& operation);
  Error lost(const std::string& operation, error_code why) const;

  ByteStream stream_;
  asio::steady_timer deadline_;
  Parser parser_;
  std::vector<char> chunk_;
  bool ready_ = false;  // connected and logged in
  Stopped stopped_ = Stopped::no;
  milliseconds timeout_{};  // of the call whose turn it is, for messages
  std::uint64_t turn_ = 0;  // rises with each turn: a deadline of an earlier one has no effect
  bool busy_ = false;
  struct Waiter {
    explicit Waiter(asio::any_io_executor executor) : timer(std::move(executor)) {}
    asio::steady_timer timer;
    bool granted = false;
  };
  std::deque<std::shared_ptr<Waiter>> waiting_;
};

/// Holds the connection for one call. What ends before finish() leaves a reply behind on the way,
/// so the stream is closed.
class Connection::Impl::Turn {
 public:
  explicit Turn(Impl& impl) noexcept : impl_(impl) {}
  ~Turn() {
    impl_.deadline_.cancel();
    if (!finished_) {
      impl_.ready_ = false;
      impl_.stream_.close();
    }
    impl_.leave();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  void finish() noexcept { finished_ = true; }

 private:
  Impl& impl_;
  bool finished_ = false;
};

void Connection::Impl::stop(Stopped why) noexcept {
  if (stopped_ == Stopped::no) stopped_ = why;
  ready_ = false;
  stream_.close();
}

void Connection::Impl::arm(Clock::time_point until) {
  stopped_ = Stopped::no;
  deadline_.expires_at(until);
  deadline_.async_wait([weak = weak_from_this(), turn = turn_](error_code cancelled) {
    if (cancelled) return;
    // A handler that was queued when the reply came must not close the next call's stream.
    if (const auto self = weak.lock(); self && self->turn_ == turn) self->stop(Stopped::late);
  });
}

asio::awaitable<Status> Connection::Impl::enter(Clock::time_point until,
                                                const std::string& operation) {
  if (!busy_) {
    busy_ = true;
    ++turn_;
    co_return Status();
  }
  const auto waiter = std::make_shared<Waiter>(deadline_.get_executor());
  waiting_.push_back(waiter);
  waiter->timer.expires_at(until);
  error_code interrupted;
  auto token = asio::redirect_error(asio::use_awaitable, interrupted);
  co_await waiter->timer.async_wait(token);
  if (waiter->granted) {
    ++turn_;
    co_return Status();
  }
  waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), waiter), waiting_.end());
  if (interrupted) co_return fail(Errc::cancelled, operation + ": cancelled");
  co_return fail(Errc::redis_unavailable,
                 operation + ": timed out behind another call on " + to_string(endpoint_));
}

void Connection::Impl::leave() noexcept {
  if (waiting_.empty()) {
    busy_ = false;
    return;
  }
  const auto next = waiting_.front();
  waiting_.pop_front();
  next->granted = true;  // busy_ passes on to it
  next->timer.cancel();
}

Error Connection::Impl::lost(const std::string& operation, error_code why) const {
  const std::string where = operation + ": " + to_string(endpoint_);
  if (stopped_ == Stopped::late) {
    return {Errc::redis_unavailable, where + " gave no answer within " + in_words(timeout_)};
  }
  if (stopped_ == Stopped::closed || why == asio::error::operation_aborted) {
    return {Errc::cancelled, operation + ": cancelled"};
  }
  return {Errc::redis_unavailable, where + ": connection lost: " + why.message()};
}

asio::awaitable<Expected<std::vector<Reply>>> Connection::Impl::roundtrip(
    const std::string& request, std::size_t count, const std::string& operation) {
  const error_code unsent = co_await stream_.write(request);
  if (unsent) co_return fail(lost(operation, unsent));
  std::vector<Reply> replies;
  replies.reserve(count);
  while (replies.size() < count) {
    Expected<std::optional<Reply>> reply = parser_.next();
    if (!reply) co_return fail(reply.error());
    if (*reply) {
      replies.push_back(std::move(**reply));
      continue;
    }
    error_code failed;
    const std::size_t size = co_await stream_.read_some(chunk_, failed);
    if (failed) co_return fail(lost(operation, failed));
    parser_.feed(std::string_view(chunk_.data(), size));
  }
  co_return replies;
}

asio::awaitable<Expected<std::vector<Reply>>> Connection::Impl::exchange(std::string request,
                                                                         std::size_t count,
                                                                         std::string operation,
                                                                         milliseconds timeout) {
  const auto self = shared_from_this();  // the Connection may go while we wait
  const Clock::time_point until = Clock::now() + timeout;
  if (Status entered = co_await enter(until, operation); !entered) co_return fail(entered.error());
  Turn turn(*this);
  if (!ready_) {
    co_return fail(Errc::redis_unavailable,
                   operation + ": not connected to " + to_string(endpoint_));
  }
  timeout_ = timeout;
  arm(until);
  try {
    Expected<std::vector<Reply>> replies = co_await roundtrip(request, count, operation);
    if (replies) turn.finish();
    co_return replies;
  } catch (const boost::system::system_error&) {
    // Asio's cancellation, arrived between two operations: the next co_await throws.
    co_return fail(lost(operation, asio::error::operation_aborted));
  }
}

asio::awaitable<Status> Connection::Impl::connect() {
  const auto self = shared_from_this();
  const Clock::time_point until = Clock::now() + options_.connect_timeout;
  const std::string operation = "connect";
  if (Status entered = co_await enter(until, operation); !entered) co_return entered;
  Turn turn(*this);
  ready_ = false;
  timeout_ = options_.connect_timeout;
  arm(until);
  try {
    Status in = co_await stream_.open(endpoint_);
    parser_ = Parser();
    if (in) in = co_await log_in();
    if (stopped_ != Stopped::no) co_return fail(lost(operation, asio::error::operation_aborted));
    if (!in) co_return in;
  } catch (const boost::system::system_error&) {
    co_return fail(lost(operation, asio::error::operation_aborted));  // as in exchange()
  }
  ready_ = true;
  ++generation_;
  turn.finish();
  co_return Status();
}

asio::awaitable<Status> Connection::Impl::log_in() {
  std::string request;
  std::size_t count = 0;
  if (!endpoint_.password.empty()) {
    Command auth("AUTH");
    if (!endpoint_.user.empty()) auth << endpoint_.user;
    auth << endpoint_.password;
    auth.write_to(request);
    ++count;
  }
  Command name{"CLIENT", "SETNAME", options_.client_name};
  name.write_to(request);
  ++count;
  if (endpoint_.database != 0) {
    Command select("SELECT");
    select << endpoint_.database;
    select.write_to(request);
    ++count;
  }
  const std::string operation = "log in to " + to_string(endpoint_);
  Expected<std::vector<Reply>> replies = co_await roundtrip(request, count, operation);
  if (!replies) co_return fail(replies.error());
  for (const Reply& reply : *replies) {
    // The name is a courtesy to whoever reads CLIENT LIST: a user without that right may work.
    if (reply.text().starts_with("NOPERM")) continue;
    if (Status good = check(reply, operation); !good) co_return good;
  }
  co_return Status();
}

Connection::Connection(asio::any_io_executor executor, Endpoint endpoint, ConnectionOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(endpoint), std::move(options))) {}

Connection::~Connection() {
  if (impl_) impl_->close();
}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&& other) noexcept {
  if (impl_ && impl_ != other.impl_) impl_->close();
  impl_ = std::move(other.impl_);
  return *this;
}

asio::awaitable<Status> Connection::connect() { return impl_->connect(); }
void Connection::close() noexcept { impl_->close(); }
bool Connection::is_open() const noexcept { return impl_->is_open(); }
std::uint64_t Connection::generation() const noexcept { return impl_->generation_; }
const Endpoint& Connection::endpoint() const noexcept { return impl_->endpoint_; }
milliseconds Connection::command_timeout() const noexcept {
  return impl_->options_.command_timeout;
}
asio::any_io_executor Connection::executor() const noexcept { return impl_->executor(); }

asio::awaitable<Expected<Reply>> Connection::call(Command command) {
  return call(std::move(command), command_timeout());
}

asio::awaitable<Expected<Reply>> Connection::call(Command command, milliseconds timeout) {
  std::string request;
  command.write_to(request);
  std::string operation(command.name());
  auto replies = co_await impl_->exchange(std::move(request), 1, std::string(operation), timeout);
  if (!replies) co_return fail(replies.error());
  if (Status good = check(replies->front(), operation); !good) co_return fail(good.error());
  co_return std::move(replies->front());
}

asio::awaitable<Expected<std::vector<Reply>>> Connection::call_many(std::vector<Command> commands) {
  return call_many(std::move(commands), command_timeout());
}

asio::awaitable<Expected<std::vector<Reply>>> Connection::call_many(std::vector<Command> commands,
                                                                    milliseconds timeout) {
  if (commands.empty()) co_return std::vector<Reply>();
  std::string request;
  for (const Command& command : commands) command.write_to(request);
  std::string operation(commands.front().name());
  co_return co_await impl_->exchange(std::move(request), commands.size(), std::move(operation),
                                     timeout);
}

asio::awaitable<Expected<Reply>> Connection::transaction(std::vector<Command> commands,
                                                         milliseconds timeout,
                                                         std::string allowed_error) {
  const std::string operation = "MULTI " + std::string(commands.front().name());
  commands.insert(commands.begin(), Command("MULTI"));
  commands.emplace_back("EXEC");
  auto replies = co_await call_many(std::move(commands), timeout);
  if (!replies) co_return fail(replies.error());
  // A command refused while queueing says more than EXEC's EXECABORT.
  for (const Reply& reply : *replies) {
    if (Status good = check(reply, operation); !good) co_return fail(good.error());
  }
  Reply& results = replies->back();
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!allowed_error.empty() && results[i].text().starts_with(allowed_error)) continue;
    if (Status good = check(results[i], operation); !good) co_return fail(good.error());
  }
  co_return std::move(results);
}

asio::awaitable<Expected<Reply>> Connection::eval(Script script, Command arguments,
                                                  milliseconds timeout) {
  const std::string operation(script.name);
  for (int round = 0; round < 2; ++round) {
    const bool known = round == 0;
    Command command(known ? "EVALSHA" : "EVAL");
    command << (known ? script.sha1 : script.source);
    command.append(arguments);
    std::string request;
    command.write_to(request);
    auto replies = co_await impl_->exchange(std::move(request), 1, std::string(operation), timeout);
    if (!replies) co_return fail(replies.error());
    if (known && replies->front().text().starts_with("NOSCRIPT")) continue;
    if (Status good = check(replies->front(), operation); !good) co_return fail(good.error());
    co_return std::move(replies->front());
  }
  co_return fail(Errc::internal, operation + ": EVAL answered NOSCRIPT");
}

Status check(ReplyView reply, std::string_view operation) {
  if (!reply.is_error()) return {};
  return fail(error_of_reply(reply.text(), operation));
}

}  // namespace photoscribe::redis
