// bootstrap: how sure a score is, and whether one set of captions is better than another.
//
// Photos are drawn with replacement, as many as there are; each draw is scored as a whole. Seeded,
// and the same whatever the number of threads. CIDEr-D keeps its document frequencies, so its
// interval is that of the photos, not of the table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/scores/score_corpus.h"

namespace photoscribe {

struct BootstrapSettings {
  int resamples = 1000;
  std::uint64_t seed = 12345;
  int threads = 1;
};

struct Interval {
  double low = 0, high = 0;
};

/// 95 % of the resamples lie within: their 2.5 and 97.5 percentiles.
struct ScoreIntervals {
  std::array<Interval, 4> bleu{};
  Interval rouge_l, cider_d;
};

/// Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3 (percentiles, with
/// linear interpolation between resamples). Requires at least one photo and one resample.
[[nodiscard]] ScoreIntervals bootstrap_intervals(std::span<const PhotoScore> photos, BleuRule rule,
                                                 const BootstrapSettings& settings);

/// One score of two sets of captions of the same photos.
struct Comparison {
  double a = 0, b = 0;
  double difference = 0;  // a - b
  Interval interval;      // of the difference, 95 %
  double p = 1;           // two-sided
};

struct PairedComparison {
  std::array<Comparison, 4> bleu{};
  Comparison rouge_l, cider_d;
};

/// Compares two systems on the same draws of photos: `a[i]` and `b[i]` are scores of one photo.
///
/// Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004, section
/// 4, as a test: p is the share of resamples whose difference lies at least as far from the mean of
/// all resamples' differences as the observed one lies from zero, with one added above and below so
/// that it is never 0.
[[nodiscard]] PairedComparison compare_paired(std::span<const PhotoScore> a,
                                              std::span<const PhotoScore> b, BleuRule rule,
                                              const BootstrapSettings& settings);

}  // namespace photoscribe
