// wake: lets one coroutine sleep until another, or the time, wakes it. For one thread.
//
// A notification that comes while nobody sleeps is kept, so none is lost between looking and
// sleeping. At most one coroutine may sleep on a Wake.
#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace photoscribe {

class Wake {
 public:
  explicit Wake(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  void notify() {
    notified_ = true;
    timer_.cancel();
  }

  /// Returns at once when notify() was called since the last sleep.
  boost::asio::awaitable<void> sleep(std::chrono::milliseconds at_most) {
    if (!notified_) {
      timer_.expires_after(std::max(at_most, std::chrono::milliseconds(1)));
      boost::system::error_code ignored;
      auto token = boost::asio::redirect_error(boost::asio::use_awaitable, ignored);
      co_await timer_.async_wait(token);
    }
    notified_ = false;
  }

 private:
  boost::asio::steady_timer timer_;
  bool notified_ = false;
};

}  // namespace photoscribe
