// wakes: what a worker's coroutines sleep on.
#pragma once

#include "worker/queue/wake.h"

namespace photoscribe {

struct Wakes {
  explicit Wakes(const boost::asio::any_io_executor& executor)
      : take(executor), feed(executor), publish(executor), watch(executor) {}
  void notify_all() {
    for (Wake* wake : {&take, &feed, &publish, &watch}) wake->notify();
  }

  Wake take, feed, publish, watch;
};

}  // namespace photoscribe
