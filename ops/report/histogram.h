// histogram: counts over equal bins, and the rate of a run over its working time.
// Pure: numbers in, numbers out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace photoscribe::report {

/// Counts of values in bins of one width. Values outside fall into the outermost bins.
struct Histogram {
  double from = 0;     // lower edge of the first bin, on the scale of `log10`
  double width = 1;    // of every bin
  bool log10 = false;  // bins of the value's decimal logarithm; values <= 0 go to the first
  std::vector<std::int64_t> counts;

  void add(double value);
  [[nodiscard]] std::int64_t total() const;
  /// A copy without the empty bins at both ends (one bin stays).
  [[nodiscard]] Histogram trimmed() const;
};

[[nodiscard]] Histogram blur_histogram();    // 0.1 to a million, ten bins a decade
[[nodiscard]] Histogram length_histogram();  // 0 to 40 tokens
[[nodiscard]] Histogram unit_histogram();    // 0 to 1 in twenty bins

/// How fast photos became final, without the times in which the run stood still.
struct Pace {
  double bin_s = 1;                  // seconds per bin
  std::vector<std::int64_t> counts;  // photos that became final in each
  std::vector<std::size_t> pauses;   // bins before which the run stood still
  double active_s = 0;               // without the pauses
  std::int64_t photos = 0;
};

/// `by_second`: photos that became final, by second since 1970. A gap of more than `pause_s`
/// between two photos is a pause: a night between two commands, or a machine that was off. At most
/// about `bins_max` bins, of 1, 2, 5, 10, 20 … seconds.
[[nodiscard]] Pace pace_of(const std::map<std::int64_t, std::int64_t>& by_second,
                           std::int64_t pause_s = 60, std::size_t bins_max = 120);

}  // namespace photoscribe::report
