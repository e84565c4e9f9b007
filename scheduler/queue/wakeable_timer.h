// wakeable_timer: a sleep that others may cut short. One coroutine at a time sleeps on it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace photoscribe {

class WakeableTimer {
 public:
  explicit WakeableTimer(boost::asio::io_context& io) : timer_(io) {}

  /// Until `time` has passed, or wake().
  [[nodiscard]] boost::asio::awaitable<void> rest(std::chrono::milliseconds time);
  /// Does nothing to a rest that has not begun.
  void wake() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace photoscribe
