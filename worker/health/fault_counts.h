// fault_counts: when a photo that repeatedly could not be read is itself to blame.
//
// One fault says nothing: storage has bad moments. A bad sector gives EIO for ever, so a photo is
// blamed if it faults several times in a row, over some time, while other photos of its root can be
// read. Faults far apart, with others read in between, are not in a row: a few over a night do not
// add up. Pure: the time is an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

namespace photoscribe {

struct BlameSettings {
  int faults = 5;  // others were read since the first of them
  std::chrono::milliseconds over{30'000};
  int faults_alone = 10;  // nothing else was read: it may be the storage after all
  std::chrono::milliseconds over_alone{900'000};
  std::chrono::milliseconds forget_after{900'000};
};

class FaultCounts {
 public:
  using Clock = std::chrono::steady_clock;
  using ImageKey = std::tuple<std::string, std::int64_t, std::int32_t>;  // run, image, attempt

  explicit FaultCounts(BlameSettings settings = {}) : settings_(settings) {}

  /// Counts one; true when the photo is to blame. `others_read`: photos of the
  /// same root that were read so far, ever.
  [[nodiscard]] bool add(const ImageKey& image, Clock::time_point now, std::uint64_t others_read);
  /// Of the row that goes on now.
  [[nodiscard]] int faults(const ImageKey& image) const;

 private:
  struct Row {
    int faults = 0;
    Clock::time_point first{}, last{};
    std::uint64_t read_at_first = 0, read_at_last = 0;
  };
  void make_room();

  const BlameSettings settings_;
  std::map<ImageKey, Row> rows_;
};

}  // namespace photoscribe
