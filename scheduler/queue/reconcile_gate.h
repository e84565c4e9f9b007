// reconcile_gate: whether Redis and SQLite may disagree. While they may, the feeder rests
// (protocol.md H7); any part that sees a reason requests a reconcile here. Pure.
#pragma once

namespace photoscribe {

class ReconcileGate {
 public:
  void request() noexcept { wanted_ = true; }
  [[nodiscard]] bool is_wanted() const noexcept { return wanted_; }
  [[nodiscard]] bool holds_feeder() const noexcept { return wanted_ || running_; }

  /// The feeder is at rest. A request from here on asks for another reconcile.
  void begin() noexcept {
    wanted_ = false;
    running_ = true;
  }
  /// An incomplete one starts over.
  void end(bool agreed) noexcept {
    running_ = false;
    wanted_ = wanted_ || !agreed;
  }

 private:
  bool wanted_ = true, running_ = false;
};

}  // namespace photoscribe
