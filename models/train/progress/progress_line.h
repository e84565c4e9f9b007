// progress_line: how far a long piece of work is, on standard error. Private to models/train.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace photoscribe {

/// "1:02:03" of seconds.
[[nodiscard]] std::string clock_text(double seconds);

class ProgressLine {
 public:
  /// `what` and `unit` in words, as "features of train photos" and "photos".
  ProgressLine(std::string what, std::string unit);

  /// A line every ten seconds, with rate and time left; none for work that is shorter. What was
  /// done before the first call counts for neither.
  void update(std::int64_t done, std::int64_t all);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_, unit_;
  Clock::time_point start_ = Clock::now(), reported_at_ = Clock::now();
  std::int64_t done_at_start_ = -1;
  bool has_reported_ = false;
};

}  // namespace photoscribe
