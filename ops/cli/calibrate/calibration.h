// calibration: what `photoscribe calibrate` finds, as text, JSON and a page.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/scores/roc.h"
#include "ops/cli/calibrate/labels.h"
#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {

/// One way to score a photo: a blur mode, or a column of the labels to compare with.
struct CalibratedScore {
  std::string name;
  bool is_mode = true;
  std::vector<double> values;  // by photo
  std::vector<OperatingPoint> curve;
  double area = 0;
  AreaInterval interval;
  OperatingPoint youden, at_rate;
  AreaInterval behind_best;  // the best mode's area less this one's, 95 %
};

struct Calibration {
  std::vector<std::string> files;  // those measured
  LabelledPhotos photos;
  std::vector<CalibratedScore> scores;  // best area first
  std::size_t best = 0;                 // the best mode, used by config_lines()
  double false_reject_rate = 0.01;
  bool prefer_rate = false;  // use the threshold at false_reject_rate, not Youden's
  int resamples = 1000;
  std::vector<std::string> not_measured;  // "file: reason"
};

/// Uses the labels whose file is in `measured` (mode name → score). Fails with usage when only
/// blurred or only clear photos could be measured.
[[nodiscard]] Expected<Calibration> calibrate(
    const std::vector<Label>& labels, const std::vector<std::string>& columns,
    const std::map<std::string, std::map<std::string, double>>& measured, double false_reject_rate,
    bool prefer_rate, int resamples);

/// The threshold to use of the best mode.
[[nodiscard]] const OperatingPoint& chosen_point(const Calibration& calibration);

/// The lines for a configuration file that apply it.
[[nodiscard]] std::string config_lines(const Calibration& calibration);

[[nodiscard]] std::string calibration_text(const Calibration& calibration, const Ink& ink);
[[nodiscard]] std::string calibration_json(const Calibration& calibration);

/// A photo on the wrong side of the chosen threshold.
struct MisclassifiedPhoto {
  std::size_t photo = 0;  // in files
  bool blurred = false;   // what the label says
  double score = 0;
};

/// The worst first: clear photos by rising score, then blurred ones by falling score; at most
/// `each_max` of either kind.
[[nodiscard]] std::vector<MisclassifiedPhoto> misclassified_photos(const Calibration& calibration,
                                                                   std::size_t each_max);

/// A self-contained page: the curves, the table and the misclassified photos. `pictures` are their
/// JPEGs, in the same order; empty: none.
[[nodiscard]] std::string calibration_page(const Calibration& calibration,
                                           const std::vector<MisclassifiedPhoto>& wrong,
                                           const std::vector<std::string>& pictures);

}  // namespace photoscribe::cli
