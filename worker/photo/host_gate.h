// host_gate: how many requests go to one web server at a time, how many per second, and that none
// goes before the time that it asked for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace photoscribe {

class HostGate {
 public:
  using Clock = std::chrono::steady_clock;
  HostGate(int connections, double rate_per_s)
      : free_(connections),
        apart_(rate_per_s > 0 ? std::chrono::duration_cast<Clock::duration>(
                                    std::chrono::duration<double>(1 / rate_per_s))
                              : Clock::duration::zero()) {}

  /// One request's place; given back with it.
  class Pass {
   public:
    explicit Pass(HostGate& gate) : gate_(gate) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() { gate_.leave(); }

   private:
    HostGate& gate_;
  };
  /// Blocks until there is a place and it is time.
  [[nodiscard]] Pass enter();

  /// No request before then.
  void hold_until(Clock::time_point time);
  /// How long still; zero: not at all.
  [[nodiscard]] Clock::duration held_for() const;

 private:
  void leave();

  mutable std::mutex mutex_;
  std::condition_variable left_;
  int free_;
  const Clock::duration apart_;
  Clock::time_point next_{}, held_until_{};
};

}  // namespace photoscribe
