#include "ops/report/histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace photoscribe::report {

void Histogram::add(double value) {
  if (counts.empty() || std::isnan(value)) return;
  const double x = !log10 ? value : value > 0 ? std::log10(value) : from;
  const double bin = std::floor((x - from) / width);
  const double last = static_cast<double>(counts.size() - 1);
  ++counts[static_cast<std::size_t>(std::clamp(bin, 0.0, last))];
}

std::int64_t Histogram::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

Histogram Histogram::trimmed() const {
  std::size_t first = 0, last = counts.size();
  while (first + 1 < last && counts[first] == 0) ++first;
  while (last > first + 1 && counts[last - 1] == 0) --last;
  Histogram out = *this;
  out.from = from + static_cast<double>(first) * width;
  out.counts.assign(counts.begin() + static_cast<std::ptrdiff_t>(first),
                    counts.begin() + static_cast<std::ptrdiff_t>(last));
  return out;
}

Histogram blur_histogram() { return {-1, 0.1, true, std::vector<std::int64_t>(70)}; }
Histogram length_histogram() { return {0, 1, false, std::vector<std::int64_t>(41)}; }
Histogram unit_histogram() { return {0, 0.05, false, std::vector<std::int64_t>(20)}; }

Pace pace_of(const std::map<std::int64_t, std::int64_t>& by_second, std::int64_t pause_s,
             std::size_t bins_max) {
  Pace pace;
  if (by_second.empty()) return pace;
  std::int64_t active = 1;
  for (auto at = std::next(by_second.begin()); at != by_second.end(); ++at) {
    const std::int64_t gap = at->first - std::prev(at)->first;
    active += gap > pause_s ? 1 : gap;
  }
  std::int64_t bin = 1;
  for (std::int64_t decade = 1; (active + bin - 1) / bin > static_cast<std::int64_t>(bins_max);
       decade *= 10) {
    for (const std::int64_t step : {decade, 2 * decade, 5 * decade}) {
      bin = step;
      if ((active + bin - 1) / bin <= static_cast<std::int64_t>(bins_max)) break;
    }
  }
  pace.bin_s = static_cast<double>(bin);
  pace.active_s = static_cast<double>(active);
  pace.counts.assign(static_cast<std::size_t>((active + bin - 1) / bin), 0);
  std::int64_t clock = 0, before = by_second.begin()->first;
  for (const auto& [second, photos] : by_second) {
    const std::int64_t gap = second - before;
    clock += gap > pause_s ? 1 : gap;
    before = second;
    const auto at = static_cast<std::size_t>(clock / bin);
    if (gap > pause_s) pace.pauses.push_back(at);
    pace.counts[at] += photos;
    pace.photos += photos;
  }
  return pace;
}

}  // namespace photoscribe::report
