#include "models/train/progress/average_precision.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace photoscribe {
namespace {

/// No number is the least likely.
float ranked(float score) {
  return std::isnan(score) ? -std::numeric_limits<float>::infinity() : score;
}

/// Of one concept's photos as (score, positive).
double average_precision(std::vector<std::pair<float, bool>> photos) {
  std::sort(photos.begin(), photos.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  double sum = 0, positives = 0;
  for (std::size_t first = 0; first < photos.size();) {
    std::size_t end = first + 1;
    double here = photos[first].second ? 1 : 0;
    while (end < photos.size() && photos[end].first == photos[first].first)
      here += photos[end++].second ? 1 : 0;
    positives += here;
    sum += here * positives / static_cast<double>(end);
    first = end;
  }
  return positives > 0 ? sum / positives : 0;
}

}  // namespace

MeanAveragePrecision mean_average_precision(const torch::Tensor& scores,
                                            const torch::Tensor& positive) {
  const auto score = scores.accessor<float, 2>();
  const auto is = positive.accessor<bool, 2>();
  MeanAveragePrecision result;
  for (std::int64_t m = 0; m < score.size(1); ++m) {
    std::vector<std::pair<float, bool>> photos;
    for (std::int64_t p = 0; p < score.size(0); ++p)
      photos.emplace_back(ranked(score[p][m]), is[p][m]);
    if (std::count_if(photos.begin(), photos.end(), [](const auto& one) { return one.second; }) <
        kPositivesMin)
      continue;
    result.mean += average_precision(std::move(photos));
    ++result.concepts;
  }
  if (result.concepts > 0) result.mean /= static_cast<double>(result.concepts);
  return result;
}

}  // namespace photoscribe
