// confidence: how likely a caption is right, from what is known without references. A logistic
// regression on a few named terms and on the objects that the caption names, fitted on captioned
// photos of several domains (photoscribe confidence) and kept in model.yaml; and the verdict
// `unsure` that follows from it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/types.h"

namespace photoscribe {

/// The terms, as model.yaml names them; everything of CaptionEvidence is cut to its range first.
inline constexpr std::array<std::string_view, 10> kConfidenceTerms{
    "mean_log_prob",      // log-probability per token, the end token counted
    "tokens",             // words
    "log10_blur",         // log10(1 + blur score of mode full)
    "word_log_prob_min",  // cut to [-20, 0]
    "beam_agreement",     // in [0, 1]
    "log_mentioned_min",  // natural logarithm; below 0.0001 counts as 0.0001
    "unmentioned_max",    // in [0, 1]
    "log1p_novelty",      // log(1 + novelty); above 1e6 counts as 1e6
    "object_log_odds",    // mean over the named objects, their probabilities cut to [0.02, 0.98];
                          // without any that of 0.98
    "objects_absent",     // so many of them are not there, by these probabilities
};
/// Of these the first few are known of every caption, the rest where it has evidence; the last two
/// need objects that the model knows.
inline constexpr std::size_t kTermsWithoutEvidence = 3;
inline constexpr std::size_t kObjectTerms = 2;
using ConfidenceTerms = std::array<std::optional<double>, kConfidenceTerms.size()>;
using ConfidenceTermValues = std::array<double, kConfidenceTerms.size()>;

/// An object (common/scores/object_lexicon.h) that a caption names.
struct NamedObject {
  std::string name;
  double probability = 0;  // by the classifier; 0: none of the photo's concepts speaks for it
  bool operator==(const NamedObject&) const = default;
};

/// Of one caption, in the order of the terms; none: not known. The terms of objects are not among
/// them, since they depend on which objects the model knows.
struct ConfidenceFeatures {
  std::array<std::optional<double>, kConfidenceTerms.size() - kObjectTerms> terms;
  std::vector<NamedObject> objects;
  bool operator==(const ConfidenceFeatures&) const = default;
};
[[nodiscard]] ConfidenceFeatures confidence_features(
    double log_prob, std::int64_t tokens, double blur_score,
    const std::optional<CaptionEvidence>& evidence = std::nullopt,
    std::vector<NamedObject> objects = {}) noexcept;

/// What each object that the concepts can speak for adds to the log-odds of a caption that names
/// it.
using ObjectOffsets = std::map<std::string, double, std::less<>>;

/// Coefficients of the log-odds. Without objects the terms of objects have none.
struct ConfidenceModel {
  double bias = 0;
  ConfidenceTermValues weights{};  // in the order of the terms
  ConfidenceTermValues means{};    // what an unknown term counts as
  double min = 0;                  // the model's own advice: a caption below it is unsure
  ObjectOffsets objects{};         // no other object counts
  bool operator==(const ConfidenceModel&) const = default;
};

/// All terms, for a model that knows these objects.
[[nodiscard]] ConfidenceTerms confidence_terms(const ConfidenceFeatures& features,
                                               const ObjectOffsets& objects) noexcept;

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
