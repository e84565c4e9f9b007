#include "common/core/confidence.h"

#include <algorithm>
#include <cmath>

namespace photoscribe {

ConfidenceFeatures confidence_features(double log_prob, std::int64_t tokens, double blur_score,
                                       const std::optional<CaptionEvidence>& evidence) noexcept {
  constexpr double kWordLogProbMin = -20, kMentionedMin = 1e-4, kNoveltyMax = 1e6;
  const auto words = static_cast<double>(std::max<std::int64_t>(0, tokens));
  ConfidenceFeatures features{log_prob / (words + 1), words,
                              std::log10(std::max(blur_score, 0.0) + 1)};
  if (evidence) {
    features[3] = std::clamp(evidence->word_log_prob_min, kWordLogProbMin, 0.0);
    features[4] = std::clamp(evidence->beam_agreement, 0.0, 1.0);
    features[5] = std::log(std::clamp(evidence->mentioned_min, kMentionedMin, 1.0));
    features[6] = std::clamp(evidence->unmentioned_max, 0.0, 1.0);
    features[7] = std::log1p(std::clamp(evidence->novelty, 0.0, kNoveltyMax));
  }
  return features;
}

double confidence(const ConfidenceModel& model, const ConfidenceFeatures& features) noexcept {
  double odds = model.bias;
  for (std::size_t i = 0; i < features.size(); ++i)
    odds += model.weights[i] * features[i].value_or(model.means[i]);
  return 1 / (1 + std::exp(-odds));
}

}  // namespace photoscribe
