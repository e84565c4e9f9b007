// confidence: how likely a caption is good, told from what is known without references. A logistic
// regression on three numbers, fitted on a captioned set (photoscribe confidence) and kept in
// model.yaml.
#pragma once

#include <array>
#include <cstdint>

namespace photoscribe {

/// "Good" means CIDEr-D of at least this against the references of the set that it was fitted on.
inline constexpr double kGoodCaptionCiderD = 0.5;

/// What is known: mean log-probability of a token (the end counts as one), tokens, and the decimal
/// logarithm of the blur score.
using ConfidenceFeatures = std::array<double, 3>;
[[nodiscard]] ConfidenceFeatures confidence_features(double log_prob, std::int64_t tokens,
                                                     double blur_score) noexcept;

/// Coefficients of the log-odds.
struct ConfidenceModel {
  double bias = 0;
  ConfidenceFeatures weights{};  // in the order of the features
  bool operator==(const ConfidenceModel&) const = default;
};

/// Probability in (0, 1) that the caption is good.
[[nodiscard]] double confidence(const ConfidenceModel& model,
                                const ConfidenceFeatures& features) noexcept;

}  // namespace photoscribe
