#include "worker/pipeline/near_duplicates.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace photoscribe {

NearDuplicates::Run& NearDuplicates::run_of(const std::string& name) {
  const auto found =
      std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.name == name; });
  if (found != runs_.end()) {
    std::rotate(runs_.begin(), found, found + 1);
    return runs_.front();
  }
  if (runs_.size() >= kRunsMax) runs_.pop_back();
  Run fresh;
  fresh.name = name;
  return runs_.emplace_front(std::move(fresh));
}

std::optional<NearDuplicates::Found> NearDuplicates::find(const std::string& name,
                                                          std::uint64_t hash, int distance_max,
                                                          std::int64_t image_id) {
  const Run& run = run_of(name);
  int nearest = distance_max;
  std::optional<std::size_t> at;
  const auto look_at = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const int distance = std::popcount(run.hashes[i] ^ hash);
      if (distance > nearest || run.known[i].image_id == image_id) continue;
      nearest = distance;
      at = i;
    }
  };
  look_at(run.next, run.hashes.size());  // oldest first
  look_at(0, run.next);
  if (!at) return std::nullopt;
  Found found;
  found.caption = run.known[*at].caption;
  found.from = CopiedFrom{run.known[*at].image_id, nearest};
  return found;
}

void NearDuplicates::add(const std::string& name, std::uint64_t hash, std::int64_t image_id,
                         Caption caption) {
  Run& run = run_of(name);
  if (run.hashes.size() < kCaptionsMax) {
    run.hashes.push_back(hash);
    run.known.push_back(Known{image_id, std::move(caption)});
    return;
  }
  run.hashes[run.next] = hash;
  run.known[run.next] = Known{image_id, std::move(caption)};
  run.next = (run.next + 1) % kCaptionsMax;
}

}  // namespace photoscribe
