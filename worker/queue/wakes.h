// wakes: what a worker's coroutines sleep on.
#pragma once

#include <chrono>

#include "common/async/wakeable_timer.h"

namespace photoscribe {

/// The longest sleep, also of a blocking read: a stop waits for it.
inline constexpr std::chrono::milliseconds kSleepMax{250};

struct Wakes {
  explicit Wakes(const boost::asio::any_io_executor& executor)
      : take(executor), feed(executor), publish(executor), watch(executor) {}
  void wake_all() {
    for (WakeableTimer* timer : {&take, &feed, &publish, &watch}) timer->wake();
  }

  WakeableTimer take, feed, publish, watch;
};

}  // namespace photoscribe
