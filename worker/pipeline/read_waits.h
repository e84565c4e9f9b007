// read_waits: whether reads wait for their storage often enough that other threads should read
// ahead. Counts what happened, and measures no time: a read from the page cache waits for nothing,
// however long it takes. Pure.
#pragma once

#include <algorithm>

namespace photoscribe {

class ReadWaits {
 public:
  /// One read, and whether its thread gave up the core in it.
  void note(bool waited) noexcept { level_ = std::clamp(level_ + (waited ? kUp : -1), 0, kMax); }
  /// After one that waited; while more than a quarter of them do; and for kMax reads after the
  /// last.
  [[nodiscard]] bool often() const noexcept { return level_ > 0; }

 private:
  static constexpr int kUp = 3, kMax = 16;
  int level_ = 0;
};

}  // namespace photoscribe
