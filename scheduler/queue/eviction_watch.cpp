#include "scheduler/queue/eviction_watch.h"

#include "common/redis/server_info.h"

namespace photoscribe {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kEvictionLookEvery{10};

bool is_fit(const Status& checked) {
  return checked || checked.error().code != Errc::redis_refused;
}

}  // namespace

asio::awaitable<Status> EvictionWatch::look() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) co_return Status();
  next_ = now + kEvictionLookEvery;
  const Expected<redis::ServerInfo> info = co_await redis::read_server_info(connection_);
  if (!info) co_return fail(info.error());
  const Status checked = redis::check_server(*info);
  if (is_fit(checked)) {
    reporter_.is_over(Trouble::eviction);
  } else {
    reporter_.begins(Trouble::eviction, checked.error().message);
  }
  co_return Status();
}

asio::awaitable<std::string> EvictionWatch::cause() {
  const Expected<redis::ServerInfo> info = co_await redis::read_server_info(connection_);
  if (!info) co_return std::string();
  const Status checked = redis::check_server(*info);
  if (is_fit(checked)) co_return std::string();
  reporter_.was_told(Trouble::eviction);
  co_return "; the cause: " + checked.error().message;
}

}  // namespace photoscribe
