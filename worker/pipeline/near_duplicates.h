// near_duplicates: captions by the perceptual hash of their photos, so that shots of a burst and
// copies of another size are captioned once. One per worker: it has what this worker captioned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/core/types.h"

namespace photoscribe {

class NearDuplicates {
 public:
  /// Captions that are kept of a run, and runs of which they are: the newest. A question looks at
  /// all hashes of its run, about 2 ns each.
  static constexpr std::size_t kCaptionsMax = 20'000, kRunsMax = 16;

  struct Found {
    Caption caption;
    CopiedFrom from;
  };

  /// For a photo of the run: the nearest caption of another one whose hash differs in at most
  /// `distance_max` bits; the newest of equally near ones.
  [[nodiscard]] std::optional<Found> find(const std::string& run, std::uint64_t hash,
                                          int distance_max, std::int64_t image_id);
  void add(const std::string& run, std::uint64_t hash, std::int64_t image_id, Caption caption);

 private:
  struct Known {
    std::int64_t image_id = 0;
    Caption caption;
  };
  struct Run {
    std::string name;
    std::vector<std::uint64_t> hashes;  // with `known`: a ring, `next` its oldest once it is full
    std::vector<Known> known;
    std::size_t next = 0;
  };
  Run& run_of(const std::string& name);

  std::deque<Run> runs_;  // the one last asked about in front
};

}  // namespace photoscribe
