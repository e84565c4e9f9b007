// health: whether a worker's own loop runs, and whether its work progresses.
//
// The consumer reports, other threads ask: the heartbeat, which must not say "alive" for a worker
// whose loop hangs (its tasks would be stuck for ever), and the server of /readyz.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

namespace photoscribe {

class Health {
 public:
  using Clock = std::chrono::steady_clock;
  struct Report {
    bool alive = true;  // the loop ran within the patience, or has not started
    bool ready = false;
    std::string why;  // one line when not ready
  };

  explicit Health(std::chrono::milliseconds patience) : patience_(patience) {}

  /// The loop has run once; `why_not_ready` empty: ready.
  void tick(Clock::time_point now, std::string why_not_ready);
  [[nodiscard]] bool alive(Clock::time_point now = Clock::now()) const;
  [[nodiscard]] Report report(Clock::time_point now = Clock::now()) const;

 private:
  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::optional<Clock::time_point> ticked_at_;
  std::string why_;
};

/// Whether work that is held stands still. Pure: the caller says what time it is.
class StandstillWatch {
 public:
  using Clock = std::chrono::steady_clock;

  /// Something came out: a result, or a task that goes back.
  void moved(Clock::time_point now) { moved_at_ = now; }
  /// How long `held` tasks have waited while nothing came out; time in which nothing is held, or in
  /// which there is a reason to wait (`excused`), does not count.
  [[nodiscard]] Clock::duration still(std::size_t held, bool excused, Clock::time_point now) {
    if (held == 0 || excused) moved_at_ = now;
    return now - moved_at_;
  }

 private:
  Clock::time_point moved_at_ = Clock::now();
};

}  // namespace photoscribe
