// roc: how well a score separates blurred photos from clear ones, and where to put the threshold.
//
// Pure statistics: a photo with a score below the threshold is called blurred, as everywhere.
// Photos that were made from one photo, or taken at one moment, are a group: intervals draw groups,
// since their photos are not independent.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace photoscribe {

/// Which photos there are; one score of each comes apart from it.
struct LabelledPhotos {
  std::vector<bool> blurred;
  std::vector<std::uint32_t> group;  // 0, 1, …
  std::uint32_t groups = 0;
};

/// What a threshold does.
struct OperatingPoint {
  double threshold = 0;
  double caught = 0;         // share of the blurred photos that are called blurred
  double false_rejects = 0;  // share of the clear photos that are called blurred
};

/// Every threshold that makes a difference, from the lowest (nothing is blurred) to the highest.
/// Thresholds lie half-way between scores. Requires photos of both kinds.
[[nodiscard]] std::vector<OperatingPoint> roc_curve(const LabelledPhotos& photos,
                                                    std::span<const double> scores);

/// Area under the ROC curve: the probability that a blurred photo scores below a clear one, ties
/// counted half.
[[nodiscard]] double roc_area(const LabelledPhotos& photos, std::span<const double> scores);

/// Youden's: the largest caught - false_rejects; of equal ones the middle one.
[[nodiscard]] OperatingPoint youden_point(const std::vector<OperatingPoint>& curve);

/// The highest threshold whose false_rejects are at most `rate`.
[[nodiscard]] OperatingPoint point_at_false_rejects(const std::vector<OperatingPoint>& curve,
                                                    double rate);

struct AreaInterval {
  double low = 0, high = 0;
};

/// Areas of several scores over the same bootstrap draws of groups: result[score][draw].
[[nodiscard]] std::vector<std::vector<double>> resampled_areas(
    const LabelledPhotos& photos, std::span<const std::vector<double>> scores, int resamples,
    std::uint64_t seed);

/// 2.5 and 97.5 percentiles.
[[nodiscard]] AreaInterval middle_95(std::vector<double> values);

}  // namespace photoscribe
