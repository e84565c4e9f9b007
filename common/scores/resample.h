// resample: draws with replacement, and the middle of what they give. Private to common/scores.
//
// A resample has a number, and the same number of the same seed is the same draw: for any score,
// any number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/scores/bootstrap.h"
#include "common/scores/parallel.h"

namespace photoscribe {

/// SplitMix64 (Steele et al. 2014): the n-th resample begins with another number of the same
/// sequence.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : state_(seed) {
    state_ = next() + stream * 0x9e37'79b9'7f4a'7c15u;
    state_ = next();
  }
  std::uint64_t next() {
    state_ += 0x9e37'79b9'7f4a'7c15u;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11ebu;
    return mixed ^ (mixed >> 31);
  }
  /// Below `size`, which fits 32 bits; off from uniform by less than size / 2^32 of itself.
  std::size_t below(std::size_t size) { return ((next() >> 32) * size) >> 32; }

 private:
  std::uint64_t state_;
};

/// How often each photo is in the draw. A photo drawn more than 65,535 times cannot happen: that
/// many draws of one in N have no measurable probability for any N.
using Draw = std::vector<std::uint16_t>;

/// Calls `score(i, draw)` for the draw of each resample i of `photos` photos.
template <class Score>
void for_each_resample(std::size_t photos, const BootstrapSettings& settings, Score score) {
  const auto resamples = static_cast<std::size_t>(settings.resamples);
  parallel_blocks(resamples, 1, settings.threads, [&](std::size_t begin, std::size_t end) {
    Draw weights(photos);
    for (std::size_t i = begin; i < end; ++i) {
      std::fill(weights.begin(), weights.end(), std::uint16_t{0});
      Random random(settings.seed, i);
      for (std::size_t n = 0; n < photos; ++n) ++weights[random.below(photos)];
      score(i, weights);
    }
  });
}

inline double percentile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

inline Interval middle_95(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {percentile(values, 0.025), percentile(values, 0.975)};
}

}  // namespace photoscribe
