// confidence: how likely a caption is right, from what is known without references. A logistic
// regression on a few named terms, fitted on captioned photos of several domains (photoscribe
// confidence) and kept in model.yaml; and the verdict `unsure` that follows from it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/core/types.h"

namespace photoscribe {

/// The terms, as model.yaml names them; everything of CaptionEvidence is cut to its range first.
inline constexpr std::array<std::string_view, 8> kConfidenceTerms{
    "mean_log_prob",      // log-probability per token, the end token counted
    "tokens",             // words
    "log10_blur",         // log10(1 + blur score of mode full)
    "word_log_prob_min",  // cut to [-20, 0]
    "beam_agreement",     // in [0, 1]
    "log_mentioned_min",  // natural logarithm; below 0.0001 counts as 0.0001
    "unmentioned_max",    // in [0, 1]
    "log1p_novelty",      // log(1 + novelty); above 1e6 counts as 1e6
};
/// Of these the first few are known of every caption, the rest where it has evidence.
inline constexpr std::size_t kTermsWithoutEvidence = 3;

/// In the order of the terms; none: not known of this caption.
using ConfidenceFeatures = std::array<std::optional<double>, kConfidenceTerms.size()>;
[[nodiscard]] ConfidenceFeatures confidence_features(
    double log_prob, std::int64_t tokens, double blur_score,
    const std::optional<CaptionEvidence>& evidence = std::nullopt) noexcept;

/// Coefficients of the log-odds.
struct ConfidenceModel {
  double bias = 0;
  std::array<double, kConfidenceTerms.size()> weights{};  // in the order of the terms
  std::array<double, kConfidenceTerms.size()> means{};    // what an unknown term counts as
  double min = 0;  // the model's own advice: a caption below it is unsure
  bool operator==(const ConfidenceModel&) const = default;
};

/// Probability in (0, 1) that the caption is good.
[[nodiscard]] double confidence(const ConfidenceModel& model,
                                const ConfidenceFeatures& features) noexcept;

/// The verdict: kept, but not shown. A caption without a confidence never is, and 0 switches it
/// off.
[[nodiscard]] constexpr bool is_unsure(const std::optional<double>& confidence,
                                       double min_confidence) noexcept {
  return confidence && *confidence < min_confidence;
}

}  // namespace photoscribe
