#include "ops/report/charts.h"

#include <algorithm>
#include <cmath>

#include "common/page/plot.h"

namespace photoscribe::report {
namespace {

using page::nice_step;
using page::number;
using page::Plot;
using page::short_count;

double highest(const std::vector<std::int64_t>& counts) {
  return counts.empty() ? 0 : static_cast<double>(*std::max_element(counts.begin(), counts.end()));
}

}  // namespace

std::string histogram_svg(const Histogram& histogram, const ChartText& text,
                          const std::optional<Marker>& marker) {
  const Histogram h = histogram.trimmed();
  const auto value_at = [&h](std::size_t edge) {
    const double at = h.from + static_cast<double>(edge) * h.width;
    return h.log10 ? std::pow(10.0, at) : at;
  };
  double from = h.from, to = h.from + static_cast<double>(h.counts.size()) * h.width;
  std::optional<double> mark;
  if (marker && (!h.log10 || marker->value > 0)) {
    mark = h.log10 ? std::log10(marker->value) : marker->value;
    from = std::min(from, *mark);
    to = std::max(to, *mark);
  }
  Plot plot({from, to}, {0, highest(h.counts)}, text);
  for (std::size_t i = 0; i < h.counts.size(); ++i) {
    if (h.counts[i] == 0) continue;
    const double left = h.from + static_cast<double>(i) * h.width;
    plot.bar(left, left + h.width, static_cast<double>(h.counts[i]),
             number(value_at(i)) + " to " + number(value_at(i + 1)) + ": " +
                 std::to_string(h.counts[i]));
  }
  if (h.log10) {
    for (double power = std::ceil(from); power <= to; ++power) {
      plot.tick(power, short_count(std::pow(10.0, power)));
    }
  } else {
    const double step = nice_step(to - from, 8);
    for (double at = std::ceil(from / step) * step; at <= to * 1.0001; at += step) {
      plot.tick(at, number(std::abs(at) < step * 1e-6 ? 0 : at));
    }
  }
  if (mark) plot.vertical(*mark, "mark", marker->label);
  return plot.take();
}

std::string reliability_svg(const Reliability& reliability, const ChartText& text) {
  Plot plot({0, 1}, {0, 1}, text);
  plot.line(0, 0, 1, 1, "pause");
  const ReliabilityBin* before = nullptr;
  for (const ReliabilityBin& bin : reliability.bins) {
    if (before != nullptr) {
      plot.line(before->predicted, before->good, bin.predicted, bin.good, "curve");
    }
    before = &bin;
  }
  for (const ReliabilityBin& bin : reliability.bins) {
    plot.dot(bin.predicted, bin.good,
             "predicted " + number(bin.predicted) + ", good " + number(bin.good) + " of " +
                 std::to_string(bin.captions));
  }
  for (int tenth = 0; tenth <= 10; tenth += 2) plot.tick(tenth / 10.0, number(tenth / 10.0));
  return plot.take();
}

std::string precision_svg(const std::vector<PrecisionCurve>& curves, const ChartText& text) {
  Plot plot({0, 1}, {0, 1}, text);
  for (const PrecisionCurve& curve : curves) {
    const ShownPoint* before = nullptr;
    for (const ShownPoint& point : curve.points) {
      if (point.share == 0) break;
      if (before != nullptr) {
        plot.line(before->share, before->precision, point.share, point.precision, "curve");
      }
      plot.dot(point.share, point.precision,
               curve.name + ", from " + number(point.min_confidence) + " on: " +
                   number(point.share) + " shown, of these " + number(point.precision) + " right");
      before = &point;
    }
  }
  for (int tenth = 0; tenth <= 10; tenth += 2) plot.tick(tenth / 10.0, number(tenth / 10.0));
  return plot.take();
}

std::string pace_svg(const Pace& pace, const ChartText& text) {
  const double end = static_cast<double>(pace.counts.size()) * pace.bin_s;
  const bool minutes = end > 600;
  Plot plot({0, end}, {0, highest(pace.counts) / pace.bin_s}, text);
  for (std::size_t i = 0; i < pace.counts.size(); ++i) {
    const double from = static_cast<double>(i) * pace.bin_s;
    const double rate = static_cast<double>(pace.counts[i]) / pace.bin_s;
    plot.bar(from, from + pace.bin_s, rate, number(from) + " s: " + number(rate) + " photos/s");
  }
  const double unit = minutes ? 60 : 1;
  const double step = nice_step(end / unit, 8);
  for (double at = 0; at <= end / unit; at += step) plot.tick(at * unit, number(at));
  for (const std::size_t pause : pace.pauses) {
    plot.vertical(static_cast<double>(pause) * pace.bin_s, "pause", "");
  }
  return plot.take();
}

}  // namespace photoscribe::report
