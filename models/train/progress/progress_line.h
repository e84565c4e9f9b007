// progress_line: the progress of long work, on standard error. Private to models/train.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace photoscribe {

/// Seconds as "1:02:03".
[[nodiscard]] std::string clock_text(double seconds);

class ProgressLine {
 public:
  /// `what` and `unit` in words, for example "features of train photos" and "photos".
  ProgressLine(std::string what, std::string unit);

  /// Prints a line every ten seconds, with rate and time left; none for shorter work. What was done
  /// before the first call does not count for the rate.
  void update(std::int64_t done, std::int64_t all);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_, unit_;
  Clock::time_point start_ = Clock::now(), reported_at_ = Clock::now();
  std::int64_t done_at_start_ = -1;
  bool has_reported_ = false;
};

}  // namespace photoscribe
