// confidence_fit: fits the regression of common/core/confidence.h on scored captions, and reports
// how well its probabilities hold. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/core/confidence.h"
#include "common/core/error.h"

namespace photoscribe {

/// "Good" means here that a caption is right: it names nothing that no reference of its photo names
/// (common/scores/chair.h).
struct JudgedCaption {
  ConfidenceFeatures features{};
  bool good = false;
  std::size_t domain = 0;  // what kind of photo: any small numbers, such as that of the database
};

/// For each caption, so that every domain counts as much as any other, however many photos it has;
/// 1 on average.
[[nodiscard]] std::vector<double> domain_weights(std::span<const JudgedCaption> captions);

/// Logistic regression with a weak ridge (1e-3 on standardised weights), by Newton's method
/// (Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", section 4.4.1), every
/// domain counting alike. A term that is not known counts as its mean. Objects that the concepts
/// speak for, as far as captions name them, have an offset each with a ridge of 20 captions, which
/// is where regressions that had not seen a domain ranked its captions best (ops/adr/0015). `min`
/// stays 0. Fails with usage on fewer than 50 captions, or when all or none of them are good.
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

/// `weights`: how much each caption counts; none: all alike.
[[nodiscard]] Reliability reliability_of(std::span<const double> probabilities,
                                         const std::vector<bool>& good,
                                         std::span<const double> weights = {});

/// What is shown when captions below a confidence are not.
struct ShownPoint {
  double min_confidence = 0;
  double share = 0;      // of the captions
  double precision = 0;  // share of the shown that is good; 1 when none is shown
};

/// How often captions are right, against how many are shown.
struct PrecisionCurve {
  std::string name;  // of a root, or "all captions"
  std::int64_t captions = 0;
  std::vector<ShownPoint> points;  // by rising least confidence
};

/// One point for each of these least confidences.
[[nodiscard]] std::vector<ShownPoint> shown_at(std::span<const double> probabilities,
                                               const std::vector<bool>& good,
                                               std::span<const double> min_confidences,
                                               std::span<const double> weights = {});

/// The least confidence that shows as much as can be while `target_precision` of what is shown is
/// good; 0 when all may be shown; none when no choice that shows `fewest` captions is so good.
[[nodiscard]] std::optional<double> min_for_precision(std::span<const double> probabilities,
                                                      const std::vector<bool>& good,
                                                      double target_precision,
                                                      std::span<const double> weights = {},
                                                      std::size_t fewest = 20);

/// Probabilities of every caption from models that did not see it: caption i is of fold i % folds.
/// Fails as fit_confidence.
[[nodiscard]] Expected<std::vector<double>> cross_validated(std::span<const JudgedCaption> captions,
                                                            std::size_t folds = 10);

}  // namespace photoscribe
