#include "worker/photo/host_gate.h"

#include <algorithm>
#include <thread>

namespace photoscribe {

HostGate::Pass HostGate::enter() {
  Clock::time_point mine;
  {
    std::unique_lock lock(mutex_);
    left_.wait(lock, [this] { return free_ > 0; });
    --free_;
    mine = std::max(next_, Clock::now());
    next_ = mine + apart_;
  }
  std::this_thread::sleep_until(mine);
  return Pass(*this);
}

void HostGate::leave() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  left_.notify_one();
}

void HostGate::hold_until(Clock::time_point time) {
  const std::lock_guard lock(mutex_);
  held_until_ = std::max(held_until_, time);
}

HostGate::Clock::duration HostGate::held_for() const {
  const std::lock_guard lock(mutex_);
  return std::max(Clock::duration::zero(), held_until_ - Clock::now());
}

}  // namespace photoscribe
