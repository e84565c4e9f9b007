#include "scheduler/queue/wakeable_timer.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace photoscribe {

namespace asio = boost::asio;

asio::awaitable<void> WakeableTimer::rest(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await timer_.async_wait(token);
}

}  // namespace photoscribe
