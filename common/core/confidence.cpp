#include "common/core/confidence.h"

#include <algorithm>
#include <cmath>

namespace photoscribe {

ConfidenceFeatures confidence_features(double log_prob, std::int64_t tokens,
                                       double blur_score) noexcept {
  const auto words = static_cast<double>(std::max<std::int64_t>(0, tokens));
  return {log_prob / (words + 1), words, std::log10(std::max(blur_score, 0.0) + 1)};
}

double confidence(const ConfidenceModel& model, const ConfidenceFeatures& features) noexcept {
  double odds = model.bias;
  for (std::size_t i = 0; i < features.size(); ++i) odds += model.weights[i] * features[i];
  return 1 / (1 + std::exp(-odds));
}

}  // namespace photoscribe
