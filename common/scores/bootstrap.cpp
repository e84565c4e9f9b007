#include "common/scores/bootstrap.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "common/scores/resample.h"

namespace photoscribe {
namespace {

constexpr std::size_t kCounts = 10;  // of BleuCounts
constexpr std::size_t kScores = 6;   // bleu 1..4, rouge_l, cider_d

/// The summands of every photo by column, so that a resample is one pass over each.
struct Columns {
  explicit Columns(std::span<const PhotoScore> photos) {
    for (std::vector<std::int32_t>& column : counts) column.reserve(photos.size());
    for (const PhotoScore& photo : photos) {
      const BleuCounts& c = photo.counts;
      const std::array<std::int64_t, kCounts> all{
          c.matched[0], c.matched[1], c.matched[2], c.matched[3],       c.total[0],
          c.total[1],   c.total[2],   c.total[3],   c.candidate_tokens, c.reference_tokens};
      for (std::size_t i = 0; i < kCounts; ++i)
        counts[i].push_back(static_cast<std::int32_t>(all[i]));
      rouge_l.push_back(photo.rouge_l);
      cider_d.push_back(photo.cider_d);
    }
  }
  std::array<std::vector<std::int32_t>, kCounts> counts;
  std::vector<double> rouge_l, cider_d;
};

template <class Sum, class T>
Sum weighted(const std::vector<T>& column, const Draw& weights) {
  Sum sum = 0;
  for (std::size_t i = 0; i < column.size(); ++i)
    sum += static_cast<Sum>(column[i]) * static_cast<Sum>(weights[i]);
  return sum;
}

using Scores = std::array<double, kScores>;

Scores flat(const CorpusScore& score) {
  return {score.bleu[0], score.bleu[1], score.bleu[2], score.bleu[3], score.rouge_l, score.cider_d};
}

Scores score_resample(const Columns& columns, const Draw& weights, BleuRule rule) {
  std::array<std::int64_t, kCounts> sums{};
  for (std::size_t i = 0; i < kCounts; ++i)
    sums[i] = weighted<std::int64_t>(columns.counts[i], weights);
  BleuCounts counts;
  for (std::size_t n = 0; n < 4; ++n) {
    counts.matched[n] = sums[n];
    counts.total[n] = sums[4 + n];
  }
  counts.candidate_tokens = sums[8];
  counts.reference_tokens = sums[9];
  const auto photos = static_cast<double>(weights.size());
  return flat({bleu_by(rule, counts), weighted<double>(columns.rouge_l, weights) / photos,
               weighted<double>(columns.cider_d, weights) / photos});
}

/// Scores of every resample of each of `systems`, all on the same draws.
std::vector<std::vector<Scores>> resample(std::span<const Columns> systems, BleuRule rule,
                                          const BootstrapSettings& settings) {
  const auto resamples = static_cast<std::size_t>(settings.resamples);
  std::vector<std::vector<Scores>> scores(systems.size(), std::vector<Scores>(resamples));
  for_each_resample(systems.front().rouge_l.size(), settings,
                    [&](std::size_t i, const Draw& weights) {
                      for (std::size_t which = 0; which < systems.size(); ++which)
                        scores[which][i] = score_resample(systems[which], weights, rule);
                    });
  return scores;
}

Comparison compare(double a, double b, std::vector<double> differences) {
  Comparison result{a, b, a - b, {}, 1};
  const auto count = static_cast<double>(differences.size());
  const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) / count;
  const auto as_far = [&](double difference) {
    return std::abs(difference - mean) >= std::abs(result.difference);
  };
  const auto far = std::count_if(differences.begin(), differences.end(), as_far);
  result.p = (static_cast<double>(far) + 1) / (count + 1);
  result.interval = middle_95(std::move(differences));
  return result;
}

}  // namespace

ScoreIntervals bootstrap_intervals(std::span<const PhotoScore> photos, BleuRule rule,
                                   const BootstrapSettings& settings) {
  assert(!photos.empty() && settings.resamples > 0);
  const Columns columns(photos);
  const auto scores = resample({&columns, 1}, rule, settings);
  std::array<Interval, kScores> intervals{};
  for (std::size_t which = 0; which < kScores; ++which) {
    std::vector<double> values;
    for (const Scores& one : scores.front()) values.push_back(one[which]);
    intervals[which] = middle_95(std::move(values));
  }
  return {{intervals[0], intervals[1], intervals[2], intervals[3]}, intervals[4], intervals[5]};
}

PairedComparison compare_paired(std::span<const PhotoScore> a, std::span<const PhotoScore> b,
                                BleuRule rule, const BootstrapSettings& settings) {
  assert(a.size() == b.size() && !a.empty() && settings.resamples > 0);
  const std::array<Columns, 2> columns{Columns(a), Columns(b)};
  const auto scores = resample(columns, rule, settings);
  const Scores whole_a = flat(score_of(a, rule)), whole_b = flat(score_of(b, rule));
  std::array<Comparison, kScores> compared{};
  for (std::size_t which = 0; which < kScores; ++which) {
    std::vector<double> differences;
    for (std::size_t i = 0; i < scores[0].size(); ++i)
      differences.push_back(scores[0][i][which] - scores[1][i][which]);
    compared[which] = compare(whole_a[which], whole_b[which], std::move(differences));
  }
  return {{compared[0], compared[1], compared[2], compared[3]}, compared[4], compared[5]};
}

}  // namespace photoscribe
