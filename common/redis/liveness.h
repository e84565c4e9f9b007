// liveness: which holders of tasks are dead, judged by their counters and our own monotonic clock.
//
// Pure: `now` is an argument. Redis' idle times follow the server's wall clock and are not used
// (measured: a clock an hour ahead makes every live lease look dead). Still-time counts only while
// we ourselves reach Redis (protocol.md H12).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace photoscribe::redis {

/// A consumer of a run's group as Redis knows it (RunQueue::holders).
struct Holder {
  std::string name;
  std::int64_t pending = 0;             // entries in its name
  std::optional<std::int64_t> counter;  // its last beat; none: never beat, or left cleanly
  bool operator==(const Holder&) const = default;
};

/// One per run and judge. Feed it every look at the holders; it forgets those that a look does not
/// show, so its memory is that of the group.
class Liveness {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Liveness(std::chrono::milliseconds lease) : lease_(lease) {}

  /// One look. Between two looks at most a third of the lease counts as still, however long we did
  /// not look (a stalled server or a paused judge sees nobody's beats): a verdict takes at least
  /// three looks. Look every lease / 4 or so.
  void observe(std::span<const Holder> holders, Clock::time_point now);

  /// To be called at each reconnect: all times start from zero.
  void forget() noexcept { seen_.clear(); }

  /// True when the holder's counter has stood still for a whole lease. A holder without a counter
  /// counts as one whose counter stands still; one never observed is not dead.
  [[nodiscard]] bool is_dead(std::string_view holder) const;

  /// The dead among the last look, with the counter they were judged by (which reclaim() checks).
  [[nodiscard]] std::vector<Holder> dead() const;
  /// How many of the last look have a counter and are not dead.
  [[nodiscard]] std::size_t living() const;

 private:
  struct Seen {
    Holder holder;
    Clock::time_point at{};
    std::chrono::nanoseconds still{0};
  };
  std::chrono::nanoseconds lease_;
  std::unordered_map<std::string, Seen> seen_;
};

}  // namespace photoscribe::redis
