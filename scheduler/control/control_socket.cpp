#include "scheduler/control/control_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/async/rethrow.h"
#include "common/async/wakeable_timer.h"
#include "common/core/file_descriptor.h"
#include "scheduler/process/private_folder.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

constexpr std::size_t kSessionsMax = 16;
constexpr std::chrono::seconds kSessionMax{30};  // to say what is wanted, and to take the answer
constexpr std::string_view kName = "/control";

/// A name for the socket that fits into an address, while this lives.
class SocketName {
 public:
  explicit SocketName(const std::string& folder) : path_(folder + std::string(kName)) {
    if (path_.size() < sizeof(sockaddr_un{}.sun_path)) return;
    folder_.reset(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    path_ = "/proc/self/fd/" + std::to_string(folder_.get()) + std::string(kName);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  FileDescriptor folder_;
  std::string path_;
};

tl::unexpected<Error> no_answer(const std::string& why) {
  return fail(Errc::environment, "the scheduler did not answer (" + why + "); try again");
}

/// False when `descriptor` was not ready in time.
bool wait_for(int descriptor, short what, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()).count();
    pollfd one{descriptor, what, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

Status send_line(int descriptor, std::string_view line, Clock::time_point until) {
  while (!line.empty()) {
    if (!wait_for(descriptor, POLLOUT, until)) return no_answer("time is up");
    const ssize_t sent = ::send(descriptor, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      line.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EINTR && errno != EAGAIN) {
      return no_answer(std::strerror(errno));
    }
  }
  return {};
}

Expected<std::string> receive_line(int descriptor, Clock::time_point until) {
  std::string line;
  std::array<char, 4096> chunk{};
  while (line.size() <= kControlLineMax) {
    if (!wait_for(descriptor, POLLIN, until)) return no_answer("time is up");
    const ssize_t got = ::recv(descriptor, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got == 0) return no_answer("it hung up");
    if (got < 0 && errno != EINTR && errno != EAGAIN) return no_answer(std::strerror(errno));
    if (got > 0) line.append(chunk.data(), static_cast<std::size_t>(got));
    if (const auto end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
  }
  return no_answer("its answer is too long");
}

}  // namespace

struct ControlServer::Session {
  explicit Session(asio::io_context& io) : socket(io), deadline(io) {}
  asio::local::stream_protocol::socket socket;
  asio::steady_timer deadline;
  bool asking = true;  // the request has not come yet
};

Status ControlServer::open(const std::string& folder) {
  using asio::local::stream_protocol;
  const SocketName name(folder);
  auto door = std::make_shared<stream_protocol::acceptor>(io_);
  error_code failed;
  door->open(stream_protocol(), failed);
  // The mode that bind gives the socket's file: no moment in which others may connect.
  if (!failed && ::fchmod(door->native_handle(), 0600) != 0) {
    failed = error_code(errno, boost::system::system_category());
  }
  ::unlink(name.path().c_str());
  if (!failed) door->bind(stream_protocol::endpoint(name.path()), failed);
  if (!failed) door->listen(static_cast<int>(kSessionsMax), failed);
  if (failed) {
    return fail(Errc::environment,
                "control socket " + folder + std::string(kName) + ": " + failed.message());
  }
  path_ = folder + std::string(kName);
  door_ = std::move(door);
  asio::co_spawn(io_, accept_loop(door_), rethrow);
  return {};
}

void ControlServer::close() {
  if (!door_) return;
  ::unlink(path_.c_str());
  error_code ignored;
  door_->close(ignored);
  door_.reset();
  // Whoever has not said what he wants by now is not waited for.
  for (const auto& each : sessions_) {
    const auto session = each.lock();
    if (session && session->asking) session->socket.close(ignored);
  }
}

asio::awaitable<void> ControlServer::accept_loop(
    std::shared_ptr<asio::local::stream_protocol::acceptor> door) {
  while (door->is_open()) {
    auto session = std::make_shared<Session>(io_);
    error_code failed;
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    co_await door->async_accept(session->socket, token);
    if (failed == asio::error::operation_aborted || !door->is_open()) co_return;
    sessions_.remove_if([](const auto& each) { return each.expired(); });
    if (failed || sessions_.size() >= kSessionsMax) {
      co_await sleep_for(milliseconds(100));  // EMFILE does not go away by itself
      continue;
    }
    // The folder keeps others out; should it ever not, their user is asked for as well.
    if (!peer_is_ours(session->socket.native_handle())) continue;
    sessions_.push_back(session);
    asio::co_spawn(io_, serve(std::move(session)), rethrow);
  }
}

asio::awaitable<void> ControlServer::serve(std::shared_ptr<Session> session) {
  session->deadline.expires_after(kSessionMax);
  session->deadline.async_wait([session](error_code cancelled) {
    error_code ignored;
    if (!cancelled) session->socket.close(ignored);
  });
  std::string text;
  auto buffer = asio::dynamic_buffer(text, kControlLineMax);
  error_code failed;
  auto token = asio::redirect_error(asio::use_awaitable, failed);
  const std::size_t size = co_await asio::async_read_until(session->socket, buffer, '\n', token);
  session->asking = false;
  session->deadline.cancel();  // what is asked may take its time (submit walks folders)
  if (!failed) {
    Expected<ControlRequest> request = parse_request(std::string_view(text).substr(0, size));
    Expected<ControlReply> reply = fail(Errc::internal, "control");
    if (request) {
      reply = co_await handler_(std::move(*request));
    } else {
      reply = fail(Errc::usage, request.error().message);
    }
    session->deadline.expires_after(kSessionMax);
    session->deadline.async_wait([session](error_code cancelled) {
      error_code ignored;
      if (!cancelled) session->socket.close(ignored);
    });
    const std::string line = to_line(reply);
    const auto bytes = asio::buffer(line);
    co_await asio::async_write(session->socket, bytes, token);
  }
  session->deadline.cancel();
  error_code ignored;
  session->socket.close(ignored);
}

Expected<ControlReply> ask_scheduler(const std::string& folder, const ControlRequest& request,
                                     milliseconds patience) {
  const Clock::time_point until = Clock::now() + patience;
  const SocketName name(folder);
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!socket.valid() || name.path().size() >= sizeof address.sun_path) {
    return no_answer(std::strerror(errno));
  }
  std::memcpy(address.sun_path, name.path().c_str(), name.path().size());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) {
      return fail(Errc::run_gone, "nobody listens in " + folder);
    }
    return no_answer(std::strerror(errno));
  }
  if (!peer_is_ours(socket.get()) && ::geteuid() != 0) {
    return fail(Errc::environment, folder + std::string(kName) +
                                       ": another user's process listens there, so nothing was "
                                       "asked of it");
  }
  if (Status sent = send_line(socket.get(), to_line(request), until); !sent) {
    return fail(sent.error());
  }
  const Expected<std::string> line = receive_line(socket.get(), until);
  if (!line) return fail(line.error());
  return parse_reply(*line);
}

}  // namespace photoscribe
