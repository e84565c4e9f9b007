#include "common/redis/connection.h"

#include <utility>

#include "common/redis/connection_impl.h"
#include "common/redis/errors.h"

namespace photoscribe::redis {

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
