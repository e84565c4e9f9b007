#include "scheduler/control/ask_fleet.h"

#include <chrono>
#include <utility>

#include "common/redis/fleet.h"

namespace photoscribe {

namespace asio = boost::asio;
using std::chrono::milliseconds;

asio::awaitable<Expected<std::vector<SeenWorker>>> ask_fleet(asio::io_context& io,
                                                             redis::Endpoint endpoint) {
  redis::ConnectionOptions options{"photoscribe-look", milliseconds(2'000), milliseconds(3'000)};
  redis::Connection connection(io.get_executor(), std::move(endpoint), std::move(options));
  const Status up = co_await connection.connect();
  if (!up) co_return fail(up.error());
  Expected<std::vector<SeenWorker>> fleet = co_await redis::read_fleet(connection);
  connection.close();
  co_return fleet;
}

asio::awaitable<Expected<ControlReply>> answer_workers(asio::io_context& io,
                                                       redis::Endpoint endpoint) {
  const Expected<std::vector<SeenWorker>> fleet = co_await ask_fleet(io, std::move(endpoint));
  if (!fleet) co_return fail(Errc::environment, fleet.error().message);
  ControlReply reply;
  reply.served = true;
  reply.workers = *fleet;
  co_return reply;
}

}  // namespace photoscribe
