#include "common/core/confidence.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace photoscribe {

ConfidenceFeatures confidence_features(double log_prob, std::int64_t tokens, double blur_score,
                                       const std::optional<CaptionEvidence>& evidence,
                                       std::vector<NamedObject> objects) noexcept {
  constexpr double kWordLogProbMin = -20, kMentionedMin = 1e-4, kNoveltyMax = 1e6;
  const auto words = static_cast<double>(std::max<std::int64_t>(0, tokens));
  ConfidenceFeatures features{
      {log_prob / (words + 1), words, std::log10(std::max(blur_score, 0.0) + 1)}, {}};
  if (!evidence) return features;
  auto& terms = features.terms;
  terms[3] = std::clamp(evidence->word_log_prob_min, kWordLogProbMin, 0.0);
  terms[4] = std::clamp(evidence->beam_agreement, 0.0, 1.0);
  terms[5] = std::log(std::clamp(evidence->mentioned_min, kMentionedMin, 1.0));
  terms[6] = std::clamp(evidence->unmentioned_max, 0.0, 1.0);
  terms[7] = std::log1p(std::clamp(evidence->novelty, 0.0, kNoveltyMax));
  features.objects = std::move(objects);
  return features;
}

ConfidenceTerms confidence_terms(const ConfidenceFeatures& features,
                                 const ObjectOffsets& objects) noexcept {
  constexpr double kLeast = 0.02, kMost = 0.98;
  const auto log_odds = [](double p) { return std::log(p / (1 - p)); };
  ConfidenceTerms terms;
  std::copy(features.terms.begin(), features.terms.end(), terms.begin());
  const bool has_evidence = features.terms[kTermsWithoutEvidence].has_value();
  if (!has_evidence || objects.empty()) return terms;
  double sum = 0, absent = 0, count = 0;
  for (const NamedObject& object : features.objects) {
    if (!objects.contains(object.name)) continue;
    const double p = std::clamp(object.probability, kLeast, kMost);
    sum += log_odds(p);
    absent += 1 - p;
    ++count;
  }
  constexpr std::size_t kLogOdds = kConfidenceTerms.size() - kObjectTerms, kAbsent = kLogOdds + 1;
  terms[kLogOdds] = count == 0 ? log_odds(kMost) : sum / count;
  terms[kAbsent] = absent;
  return terms;
}

double confidence(const ConfidenceModel& model, const ConfidenceFeatures& features) noexcept {
  const ConfidenceTerms terms = confidence_terms(features, model.objects);
  double odds = model.bias;
  for (std::size_t i = 0; i < terms.size(); ++i)
    odds += model.weights[i] * terms[i].value_or(model.means[i]);
  for (const NamedObject& object : features.objects)
    if (const auto found = model.objects.find(object.name); found != model.objects.end())
      odds += found->second;
  return 1 / (1 + std::exp(-odds));
}

}  // namespace photoscribe
