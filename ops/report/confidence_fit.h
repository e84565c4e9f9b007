// confidence_fit: fits the regression of common/core/confidence.h on scored captions, and tells how
// well its probabilities hold. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/core/confidence.h"
#include "common/core/error.h"

namespace photoscribe::report {

struct JudgedCaption {
  ConfidenceFeatures features{};
  bool good = false;
};

/// Logistic regression with a weak ridge (1e-3 on standardised weights), by Newton's method
/// (Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", section 4.4.1). Fails
/// with usage on fewer than 50 captions, or when all or none of them are good.
[[nodiscard]] Expected<ConfidenceModel> fit_confidence(std::span<const JudgedCaption> captions);

/// One bin of a reliability curve.
struct ReliabilityBin {
  std::int64_t captions = 0;
  double predicted = 0;  // mean probability in the bin
  double good = 0;       // share that is good
};

/// How well probabilities hold.
struct Reliability {
  std::vector<ReliabilityBin> bins;  // ten of equal width; empty ones are left out
  std::int64_t captions = 0;
  double share_good = 0;
  double brier = 0;  // mean squared error of the probabilities
  double ece = 0;    // expected calibration error: mean |predicted - good| over the bins
  double auc = 0;    // area under the ROC curve; 0.5 when one kind is missing
};

[[nodiscard]] Reliability reliability_of(std::span<const double> probabilities,
                                         const std::vector<bool>& good);

/// Probabilities of every caption from models that did not see it: caption i is of fold i % folds.
/// Fails as fit_confidence.
[[nodiscard]] Expected<std::vector<double>> cross_validated(std::span<const JudgedCaption> captions,
                                                            std::size_t folds = 10);

}  // namespace photoscribe::report
