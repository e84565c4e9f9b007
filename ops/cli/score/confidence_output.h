// confidence_output: a fitted confidence, evaluated on captions that the fit did not see, as text
// and as JSON. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/scores/confidence_fit.h"

namespace photoscribe::cli {

/// Where photos of one kind come from.
struct DomainName {
  std::string database, run, root;
  bool operator==(const DomainName&) const = default;
};

/// The shortest names that distinguish them, such as "coco" and "flickr", or "coco/train" and
/// "coco/test".
[[nodiscard]] std::vector<std::string> labels_of(const std::vector<DomainName>& domains);

struct DomainFit {
  std::string name;
  Reliability held_out;
  std::vector<ShownPoint> shown;  // at each of min_confidences
};

struct FittedConfidence {
  ConfidenceModel model;  // with `min`, where there is one
  std::optional<double> min;
  double target_precision = 0;
  std::vector<double> min_confidences;  // a few, rising, `min` among them
  DomainFit all;                        // every domain with the same weight
  std::vector<DomainFit> domains;
};

/// `held_out`: the probability of each caption by a fit that did not see it.
[[nodiscard]] FittedConfidence fitted_confidence(const ConfidenceModel& model,
                                                 std::span<const JudgedCaption> captions,
                                                 std::span<const double> held_out,
                                                 const std::vector<std::string>& domains,
                                                 double target_precision);

[[nodiscard]] std::string confidence_text(const FittedConfidence& fitted);
[[nodiscard]] std::string confidence_json(const FittedConfidence& fitted);

}  // namespace photoscribe::cli
