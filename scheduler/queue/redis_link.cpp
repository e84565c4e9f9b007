#include "scheduler/queue/redis_link.h"

#include <utility>

#include "common/redis/server_info.h"

namespace photoscribe {

namespace asio = boost::asio;

namespace {

redis::ConnectionOptions connection_options() {
  redis::ConnectionOptions options;
  options.client_name = "photoscribe-scheduler";
  return options;
}

}  // namespace

RedisLink::RedisLink(asio::io_context& io, redis::Endpoint endpoint, TroubleReporter& reporter)
    : connection_(io.get_executor(), std::move(endpoint), connection_options()),
      reporter_(reporter) {}

asio::awaitable<Status> RedisLink::connect() {
  Status up = co_await connection_.connect();
  if (!up) co_return up;
  const Expected<redis::ServerInfo> info = co_await redis::read_server_info(connection_);
  if (!info) {
    connection_.close();  // else the next turn would skip the check
    co_return fail(info.error());
  }
  up = redis::check_server(*info);
  if (!up) {
    connection_.close();
    co_return up;
  }
  contact_ = Contact::connected;
  memory_max_ = info->maxmemory;
  reporter_.end(Trouble::redis);
  co_return Status();
}

void RedisLink::note_failure() {
  if (contact_ == Contact::never) return;
  contact_ = connection_.is_open() ? Contact::connected : Contact::lost;
}

}  // namespace photoscribe
