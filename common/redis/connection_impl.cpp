#include "common/redis/connection_impl.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
#include <utility>

#include "common/redis/sentinel.h"

namespace photoscribe::redis {

using boost::system::error_code;

namespace {
constexpr std::size_t kReadBytes = 64 * 1024;

std::string in_words(milliseconds time) {
  if (time.count() % 1000 != 0) return std::to_string(time.count()) + " ms";
  return std::to_string(time.count() / 1000) + " s";
}
}  // namespace

Connection::Impl::Impl(asio::any_io_executor executor, Endpoint endpoint, ConnectionOptions options)
    : endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      stream_(executor),
      deadline_(executor),
      chunk_(kReadBytes) {
  std::replace(options_.client_name.begin(), options_.client_name.end(), ' ', '_');
}

/// Holds the connection for one call. What ends before finish() leaves a reply behind on the way,
/// so the stream is closed.
class Connection::Impl::Turn {
 public:
  explicit Turn(Impl& impl) noexcept : impl_(impl) {}
  ~Turn() {
    ++impl_.deadline_number_;
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
  deadline_.async_wait(
      [weak = weak_from_this(), number = ++deadline_number_](error_code cancelled) {
        if (cancelled) return;
        // A handler that was queued when the reply came must not close the next call's stream.
        if (const auto self = weak.lock(); self && self->deadline_number_ == number)
          self->stop(Stopped::late);
      });
}

asio::awaitable<Status> Connection::Impl::enter(Clock::time_point until,
                                                const std::string& operation) {
  if (!busy_) {
    busy_ = true;
    co_return Status();
  }
  const auto waiter = std::make_shared<Waiter>(deadline_.get_executor());
  waiting_.push_back(waiter);
  waiter->timer.expires_at(until);
  error_code interrupted;
  auto token = asio::redirect_error(asio::use_awaitable, interrupted);
  co_await waiter->timer.async_wait(token);
  if (waiter->granted) co_return Status();
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

bool Connection::Impl::is_demoted(const std::vector<Reply>& replies) const {
  if (endpoint_.sentinels.empty()) return false;
  return std::any_of(replies.begin(), replies.end(), [](const Reply& reply) {
    return reply.is_error() && reply.text().find("READONLY") != std::string_view::npos;
  });
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
    if (replies && !is_demoted(*replies)) turn.finish();
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
    Status in = co_await open(until);
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

asio::awaitable<Status> Connection::Impl::open(Clock::time_point until) {
  Endpoint place = endpoint_;
  if (!endpoint_.sentinels.empty()) {
    Expected<Endpoint> master = co_await find_master(until);
    if (!master) co_return fail(master.error());
    place = std::move(*master);
    arm(until);
  }
  Status opened = co_await stream_.open(place);
  parser_ = Parser();
  if (!opened) co_return opened;
  const std::string operation = "log in to " + to_string(place);
  co_return co_await log_in(operation);
}

/// Asks one Sentinel after the other, beginning with the one that answered last. One that does not
/// answer must not use up the time of the others.
asio::awaitable<Expected<Endpoint>> Connection::Impl::find_master(Clock::time_point until) {
  const std::size_t count = endpoint_.sentinels.size();
  const auto share = (until - Clock::now()) / static_cast<int>(count + 1);
  std::optional<Error> why;
  for (std::size_t tried = 0; tried < count; ++tried) {
    const std::size_t which = (sentinel_ + tried) % count;
    arm(std::min(until, Clock::now() + share));
    Expected<Endpoint> master = co_await ask_sentinel(stream_, endpoint_, which);
    if (stopped_ == Stopped::closed) co_return fail(Errc::cancelled, "connect: cancelled");
    if (master) {
      sentinel_ = which;
      co_return master;
    }
    // What a Sentinel refuses says more than that another one is away.
    if (!why || master.error().code == Errc::redis_refused) why = master.error();
  }
  stopped_ = Stopped::no;  // the last one's time is up, not the call's
  co_return fail(why->code,
                 to_string(endpoint_) + ": no Sentinel knows the master: " + why->message);
}

asio::awaitable<Status> Connection::Impl::log_in(std::string operation) {
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
  if (!endpoint_.sentinels.empty()) {
    const Command role{"ROLE"};  // a Sentinel may be behind the times
    role.write_to(request);
    ++count;
  }
  Expected<std::vector<Reply>> replies = co_await roundtrip(request, count, operation);
  if (!replies) co_return fail(replies.error());
  for (const Reply& reply : *replies) {
    // The name is a courtesy to whoever reads CLIENT LIST: a user without that right may work.
    if (reply.text().starts_with("NOPERM")) continue;
    if (Status good = check(reply, operation); !good) co_return good;
  }
  const ReplyView role = replies->back().view()[0];
  if (!endpoint_.sentinels.empty() && role.is_text() && role.text() != "master") {
    co_return fail(Errc::redis_unavailable, operation + ": is a " + std::string(role.text()) +
                                                ", not the master; the Sentinels are electing one");
  }
  co_return Status();
}

}  // namespace photoscribe::redis
