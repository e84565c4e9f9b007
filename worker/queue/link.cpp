#include "worker/queue/link.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/async/backoff.h"
#include "common/redis/server_info.h"
#include "common/text/escape.h"

namespace photoscribe {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

Link::Link(const boost::asio::any_io_executor& executor, const redis::Endpoint& endpoint,
           const std::string& client_name, JoinedRuns& runs, Stop& stop)
    : connection(executor, endpoint, redis::ConnectionOptions{client_name, 5'000ms, 10'000ms}),
      runs_(runs),
      stop_(stop),
      pause_(executor) {}

// As the scheduler, so that both say the same of a server that neither can use.
boost::asio::awaitable<Status> Link::check_server() {
  const Expected<redis::ServerInfo> info = co_await redis::read_server_info(connection);
  Status fit = info ? redis::check_kind(*info) : Status(fail(info.error()));
  if (!fit) connection.close();
  co_return fit;
}

boost::asio::awaitable<bool> Link::reach(bool checks_server) {
  if (connection.is_open()) co_return true;
  Status connected = co_await connection.connect();
  if (connected && checks_server) connected = co_await check_server();
  if (connected) {
    // Commands in flight when the old connection broke may have put tasks into our name (H1).
    runs_.compare_soon();
    co_return true;
  }
  co_await wait_out(connected.error());
  co_return false;
}

boost::asio::awaitable<void> Link::settle(Status turn) {
  if (!turn) {
    co_await wait_out(turn.error());
    co_return;
  }
  if (failures_ > 0) spdlog::info("msg=\"Redis answers again\" failures={}", failures_);
  failures_ = 0;
}

boost::asio::awaitable<void> Link::wait_out(Error error) {
  if (stop_.ended() || error.code == Errc::cancelled) co_return;
  if (!is_transient(error.code)) {
    spdlog::error("msg=\"giving up\" error={}", log_value(error.message));
    Ending ending;
    ending.code = kExitEnvironment;
    ending.why = error.message;
    stop_.begin(std::move(ending), 1'000ms);
    co_await pause_.rest(100ms);
    co_return;
  }
  if (++failures_ == 1) {
    spdlog::warn("msg=\"Redis unavailable, trying again\" error={}", log_value(error.message));
  }
  // Leases keep running while we wait.
  BackoffSettings settings;
  settings.longest = std::clamp<milliseconds>(runs_.lease() / 6, 50ms, 5'000ms);
  settings.first = std::min<milliseconds>(settings.first, settings.longest);
  const auto wait = stop_.begun() ? 50ms : jittered_backoff(failures_, settings);
  co_await pause_.rest(wait);
}

void Link::close() {
  connection.close();
  pause_.wake();
}

}  // namespace photoscribe
