// health: whether a program's own loop runs, and whether it can do its work.
//
// The loop reports, other threads ask: a worker's heartbeat, which must not say "alive" for one
// whose loop hangs (its tasks would be stuck for ever), and the server of /livez and /readyz.
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

  /// `before`: why it is not ready before the loop begins.
  explicit Health(std::chrono::milliseconds patience, std::string before = "starting")
      : patience_(patience), why_(std::move(before)) {}

  /// The loop has run once; `why_not_ready` empty: ready.
  void tick(Clock::time_point now, std::string why_not_ready);
  /// There is no loop now, and need not be: alive, and not ready.
  void rest(std::string why);
  [[nodiscard]] bool alive(Clock::time_point now = Clock::now()) const;
  [[nodiscard]] Report report(Clock::time_point now = Clock::now()) const;

 private:
  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::optional<Clock::time_point> ticked_at_;
  std::string why_;
};

}  // namespace photoscribe
