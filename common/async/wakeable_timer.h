// wakeable_timer: lets one coroutine rest until another, or the time, wakes it. For one thread.
//
// A wake() that comes while nobody rests is kept, so none is lost between looking and resting. At
// most one coroutine may rest on a timer.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace photoscribe {

class WakeableTimer {
 public:
  explicit WakeableTimer(boost::asio::io_context& io) : timer_(io) {}
  explicit WakeableTimer(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  /// Until `at_most` has passed (1 ms at least), or wake(); returns at once when wake() was called
  /// since the last rest.
  [[nodiscard]] boost::asio::awaitable<void> rest(std::chrono::milliseconds at_most);
  void wake();

 private:
  boost::asio::steady_timer timer_;
  bool woken_ = false;
};

/// A rest that nobody cuts short.
[[nodiscard]] boost::asio::awaitable<void> sleep_for(std::chrono::milliseconds time);

}  // namespace photoscribe
