// average_precision: how well a classifier ranks photos by what is in them. Private to
// models/train.
//
// P photos, M concepts.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace photoscribe {

/// Concepts that fewer photos have are too rare to rank.
inline constexpr std::int64_t kPositivesMin = 3;

struct MeanAveragePrecision {
  double mean = 0;            // in [0, 1]; 0 without concepts
  std::int64_t concepts = 0;  // that at least kPositivesMin photos have
};

/// The mean over concepts of their average precision: the mean over a concept's photos of the share
/// of such photos among those ranked at least as high. Equal scores share one rank, so that a
/// constant score gets the share of positives; a NaN is the least. scores (P,M), positive (P,M)
/// bool.
[[nodiscard]] MeanAveragePrecision mean_average_precision(const torch::Tensor& scores,
                                                          const torch::Tensor& positive);

}  // namespace photoscribe
