// charts: histograms and curves as SVG text: no script, no library, the same on paper.
//
// Colours and fonts come from the page's style sheet (classes bar, line, axis, mark), so charts
// follow its light and dark dress. Every bar carries its numbers as a tooltip.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ops/report/confidence_fit.h"
#include "ops/report/histogram.h"

namespace photoscribe::report {

struct ChartText {
  std::string title;    // read out by screen readers
  std::string x_label;  // below the axis
  std::string y_label;  // above the axis
};

/// A vertical line at a value of the x axis, with a word beside it.
struct Marker {
  double value = 0;
  std::string label;
};

[[nodiscard]] std::string histogram_svg(const Histogram& histogram, const ChartText& text,
                                        const std::optional<Marker>& marker = std::nullopt);

/// Share of good captions over predicted probability, a dot a bin, beside the diagonal.
[[nodiscard]] std::string reliability_svg(const Reliability& reliability, const ChartText& text);

/// Share of the shown captions that are right over the share that is shown, a curve a domain.
[[nodiscard]] std::string precision_svg(const std::vector<PrecisionCurve>& curves,
                                        const ChartText& text);

/// Photos per second over the active time; a dashed line at every pause.
[[nodiscard]] std::string pace_svg(const Pace& pace, const ChartText& text);

/// Text as it may stand in HTML, between tags or in a quoted attribute.
[[nodiscard]] std::string html(std::string_view text);

/// A round step so that about `count` of them cover `range`: 1, 2 or 5 times a power of ten.
[[nodiscard]] double nice_step(double range, int count);

}  // namespace photoscribe::report
