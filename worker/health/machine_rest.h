// machine_rest: the machine is short of a resource (memory, descriptors): for a while no photo is
// started, whatever its root. No photo is to blame, until one needs too much again and again while
// others are read.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "worker/health/fault_counts.h"
#include "worker/photo/job.h"

namespace photoscribe {

class MachineRest {
 public:
  using Clock = std::chrono::steady_clock;
  explicit MachineRest(BlameSettings blame) : faults_(blame) {}

  /// A photo was read.
  void was_read();
  /// Of memory or the machine. The failure of the photo, where that is to blame.
  [[nodiscard]] std::optional<Failed> judge(const Faulted& item);
  /// Begins a rest because of `why`; false: there is one already.
  [[nodiscard]] bool begin(const std::string& why);

  [[nodiscard]] bool resting() const { return Clock::now() < until_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  /// True once when a rest is over.
  [[nodiscard]] bool is_over();
  [[nodiscard]] std::uint64_t photos_read() const { return photos_read_; }

 private:
  FaultCounts faults_;
  std::uint64_t photos_read_ = 0;
  int failures_ = 0;  // in a row
  Clock::time_point until_{};
  std::string why_;
};

}  // namespace photoscribe
