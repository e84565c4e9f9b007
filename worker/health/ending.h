// ending: how a worker ends: with which status and why, and until when what is in work may finish.
//
// A stop begins once and may only be hurried afterwards. Belongs to the thread that talks to Redis.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace photoscribe {

/// The worker's exit codes.
inline constexpr int kExitStopped = 0, kExitEnvironment = 3, kExitReplaceMe = 5;

struct Ending {
  int code = kExitStopped;
  std::string why;  // one line; empty after a clean stop
};

class Stop {
 public:
  using Clock = std::chrono::steady_clock;

  /// `on_begin` is called by the first begin(), `on_change` by every one and by end().
  Stop(std::function<void()> on_begin, std::function<void()> on_change);

  /// A second call can bring the deadline nearer, and gives a clean stop another ending.
  void begin(Ending ending, std::chrono::milliseconds limit);
  /// The loops are to end now.
  void end();

  [[nodiscard]] bool begun() const { return ending_.has_value(); }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] Clock::time_point deadline() const { return deadline_; }  // once begun
  [[nodiscard]] const std::optional<Ending>& ending() const { return ending_; }
  [[nodiscard]] bool replaces() const { return ending_ && ending_->code == kExitReplaceMe; }

 private:
  const std::function<void()> on_begin_, on_change_;
  std::optional<Ending> ending_;
  Clock::time_point deadline_{};
  bool ended_ = false;
};

}  // namespace photoscribe
