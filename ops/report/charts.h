// charts: the histograms and curves of a report (common/page/plot.h).
#pragma once

#include <optional>
#include <string>

#include "common/page/plot.h"
#include "common/scores/confidence_fit.h"
#include "ops/report/histogram.h"

namespace photoscribe::report {

using page::ChartText;

/// A vertical line at a value of the x axis, with a label.
struct Marker {
  double value = 0;
  std::string label;
};

[[nodiscard]] std::string histogram_svg(const Histogram& histogram, const ChartText& text,
                                        const std::optional<Marker>& marker = std::nullopt);

/// Share of good captions over predicted probability, one dot per bin, and the diagonal.
[[nodiscard]] std::string reliability_svg(const Reliability& reliability, const ChartText& text);

/// Share of the shown captions that are right over the share that is shown, one curve per domain.
[[nodiscard]] std::string precision_svg(const std::vector<PrecisionCurve>& curves,
                                        const ChartText& text);

/// Photos per second over the active time; a dashed line at every pause.
[[nodiscard]] std::string pace_svg(const Pace& pace, const ChartText& text);

}  // namespace photoscribe::report
