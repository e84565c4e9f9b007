// reconcile_gate: whether Redis and SQLite may disagree. While they may, the feeder stands still
// (protocol.md H7); whoever sees a reason asks for a reconcile here. Pure.
#pragma once

namespace photoscribe {

class ReconcileGate {
 public:
  void request() noexcept { wanted_ = true; }
  [[nodiscard]] bool is_wanted() const noexcept { return wanted_; }
  [[nodiscard]] bool holds_feeder() const noexcept { return wanted_ || running_; }

  /// The feeder has come to rest. From here on a request asks for one more.
  void begin() noexcept {
    wanted_ = false;
    running_ = true;
  }
  /// One that did not come to its end starts over.
  void end(bool agreed) noexcept {
    running_ = false;
    wanted_ = wanted_ || !agreed;
  }

 private:
  bool wanted_ = true, running_ = false;
};

}  // namespace photoscribe
