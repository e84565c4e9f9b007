#include "worker/queue/run_turns.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace photoscribe {

double RunTurns::start_of(const RunShare& run) const {
  const auto now = now_.find(run.priority);
  const auto finish = finish_.find(run.run);
  return std::max(now == now_.end() ? 0.0 : now->second,
                  finish == finish_.end() ? 0.0 : finish->second);
}

std::vector<std::string> RunTurns::order(const std::vector<RunShare>& runs) const {
  using Key = std::tuple<int, double, double, std::string>;
  std::vector<Key> keys;
  keys.reserve(runs.size());
  for (const RunShare& run : runs) {
    const auto finish = finish_.find(run.run);
    // Where several have waited, the one that waited longest goes first.
    const double waited = finish == finish_.end() ? 0.0 : finish->second;
    keys.emplace_back(-run.priority, start_of(run), waited, run.run);
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (Key& key : keys) names.push_back(std::move(std::get<3>(key)));
  return names;
}

void RunTurns::took(const RunShare& run, std::size_t photos) {
  if (photos == 0) return;
  const double start = start_of(run);
  now_[run.priority] = start;
  finish_[run.run] = start + static_cast<double>(photos) / std::max(1, run.weight);
}

}  // namespace photoscribe
