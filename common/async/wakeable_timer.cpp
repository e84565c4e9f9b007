#include "common/async/wakeable_timer.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace photoscribe {

namespace asio = boost::asio;

asio::awaitable<void> WakeableTimer::rest(std::chrono::milliseconds at_most) {
  if (!woken_) {
    timer_.expires_after(std::max(at_most, std::chrono::milliseconds(1)));
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer_.async_wait(token);
  }
  woken_ = false;
}

void WakeableTimer::wake() {
  woken_ = true;
  timer_.cancel();
}

asio::awaitable<void> sleep_for(std::chrono::milliseconds time) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  WakeableTimer timer(executor);
  co_await timer.rest(time);
}

}  // namespace photoscribe
