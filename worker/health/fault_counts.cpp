#include "worker/health/fault_counts.h"

#include <algorithm>
#include <vector>

namespace photoscribe {
namespace {

constexpr std::size_t kRowsMax = 10'000;

}  // namespace

bool FaultCounts::add(const ImageKey& image, Clock::time_point now, std::uint64_t others_read) {
  if (rows_.size() >= kRowsMax && !rows_.contains(image)) make_room();
  Row& row = rows_[image];
  // Without others read meanwhile the pause was the storage's, or the photo had to wait its turn
  // among many that are as bad.
  const bool broken = now - row.last > settings_.forget_after && others_read > row.read_at_last;
  if (row.faults == 0 || broken) {
    row = Row();
    row.first = now;
    row.read_at_first = others_read;
  }
  ++row.faults;
  row.last = now;
  row.read_at_last = others_read;
  const auto span = now - row.first;
  const bool amid_others =
      row.faults >= settings_.faults && span >= settings_.over && others_read > row.read_at_first;
  const bool alone = row.faults >= settings_.faults_alone && span >= settings_.over_alone;
  return amid_others || alone;
}

int FaultCounts::faults(const ImageKey& image) const {
  const auto found = rows_.find(image);
  return found == rows_.end() ? 0 : found->second.faults;
}

// The half that has been quiet for longest: those that fault again begin a new row.
void FaultCounts::make_room() {
  std::vector<Clock::time_point> times;
  times.reserve(rows_.size());
  for (const auto& [image, row] : rows_) times.push_back(row.last);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  std::erase_if(rows_, [&](const auto& each) { return each.second.last <= *middle; });
}

}  // namespace photoscribe
