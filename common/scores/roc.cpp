#include "common/scores/roc.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <random>

namespace photoscribe {
namespace {

std::vector<std::uint32_t> by_score(std::span<const double> scores) {
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
  return order;
}

/// The area where photo i counts `weight(i)` times; 0.5 when a kind has no weight.
template <class Weight>
double weighted_area(const LabelledPhotos& photos, std::span<const double> scores,
                     const std::vector<std::uint32_t>& order, Weight weight) {
  double blurred_below = 0, clear_total = 0, area = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    double blurred_here = 0, clear_here = 0;
    std::size_t end = begin;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end)
      (photos.blurred[order[end]] ? blurred_here : clear_here) += weight(order[end]);
    area += clear_here * (blurred_below + blurred_here / 2);
    blurred_below += blurred_here;
    clear_total += clear_here;
    begin = end;
  }
  return blurred_below > 0 && clear_total > 0 ? area / (blurred_below * clear_total) : 0.5;
}

}  // namespace

std::vector<OperatingPoint> roc_curve(const LabelledPhotos& photos,
                                      std::span<const double> scores) {
  const std::vector<std::uint32_t> order = by_score(scores);
  const auto blurred =
      static_cast<double>(std::count(photos.blurred.begin(), photos.blurred.end(), true));
  const double clear = static_cast<double>(order.size()) - blurred;
  assert(blurred > 0 && clear > 0);
  std::vector<OperatingPoint> curve{{scores[order.front()], 0, 0}};
  double caught = 0, rejected = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    (photos.blurred[order[i]] ? caught : rejected) += 1;
    const double here = scores[order[i]];
    if (i + 1 < order.size() && scores[order[i + 1]] == here) continue;
    const double next = i + 1 < order.size()
                            ? std::midpoint(here, scores[order[i + 1]])
                            : std::nextafter(here, std::numeric_limits<double>::infinity());
    curve.push_back({next, caught / blurred, rejected / clear});
  }
  return curve;
}

double roc_area(const LabelledPhotos& photos, std::span<const double> scores) {
  return weighted_area(photos, scores, by_score(scores), [](std::uint32_t) { return 1.0; });
}

OperatingPoint youden_point(const std::vector<OperatingPoint>& curve) {
  const auto gain = [](const OperatingPoint& point) { return point.caught - point.false_rejects; };
  const auto best = std::max_element(
      curve.begin(), curve.end(), [&](const auto& a, const auto& b) { return gain(a) < gain(b); });
  std::vector<OperatingPoint> equal;
  for (const OperatingPoint& point : curve)
    if (gain(point) == gain(*best)) equal.push_back(point);
  return equal[equal.size() / 2];
}

OperatingPoint point_at_false_rejects(const std::vector<OperatingPoint>& curve, double rate) {
  OperatingPoint chosen = curve.front();
  for (const OperatingPoint& point : curve)
    if (point.false_rejects <= rate) chosen = point;
  return chosen;
}

std::vector<std::vector<double>> resampled_areas(const LabelledPhotos& photos,
                                                 std::span<const std::vector<double>> scores,
                                                 int resamples, std::uint64_t seed) {
  std::vector<std::vector<std::uint32_t>> orders;
  for (const std::vector<double>& one : scores) orders.push_back(by_score(one));
  std::vector<std::vector<double>> areas(scores.size());
  std::mt19937_64 random(seed);
  std::vector<double> weights(photos.groups);
  for (int i = 0; i < resamples; ++i) {
    std::fill(weights.begin(), weights.end(), 0);
    for (std::uint32_t n = 0; n < photos.groups; ++n) weights[random() % photos.groups] += 1;
    for (std::size_t which = 0; which < scores.size(); ++which) {
      areas[which].push_back(
          weighted_area(photos, scores[which], orders[which],
                        [&](std::uint32_t photo) { return weights[photos.group[photo]]; }));
    }
  }
  return areas;
}

AreaInterval middle_95(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace photoscribe
