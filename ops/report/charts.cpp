#include "ops/report/charts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace photoscribe::report {
namespace {

// In the units of the view box; the page scales it to its column.
constexpr double kWidth = 640, kHeight = 230;
constexpr double kLeft = 56, kRight = 12, kTop = 22, kBottom = 42;
constexpr double kPlotWidth = kWidth - kLeft - kRight, kPlotHeight = kHeight - kTop - kBottom;

std::string number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6g", value);
  return buffer;
}

std::string place(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f", value);
  return buffer;
}

std::string short_count(double value) {
  if (value >= 1e6) return number(value / 1e6) + "M";
  if (value >= 1e4) return number(value / 1e3) + "k";
  return number(value);
}

/// Maps data to the view box and collects elements.
class Plot {
 public:
  Plot(double x_from, double x_to, double y_max, const ChartText& text)
      : x_from_(x_from), x_to_(x_to > x_from ? x_to : x_from + 1), y_max_(y_max > 0 ? y_max : 1) {
    out_ = "<svg class=\"chart\" viewBox=\"0 0 " + number(kWidth) + " " + number(kHeight) +
           "\" role=\"img\" aria-label=\"" + html(text.title) + "\">";
    label(kLeft, kTop - 8, "start", text.y_label);
    label(kLeft + kPlotWidth / 2, kHeight - 6, "middle", text.x_label);
    const double step = nice_step(y_max_, 4);
    for (int i = 0; i * step <= y_max_ * 1.0001; ++i) {
      const double at = y(i * step);
      out_ += "<line class=\"grid\" x1=\"" + place(kLeft) + "\" x2=\"" + place(kWidth - kRight) +
              "\" y1=\"" + place(at) + "\" y2=\"" + place(at) + "\"/>";
      label(kLeft - 6, at + 4, "end", short_count(i * step));
    }
  }

  [[nodiscard]] double x(double value) const {
    return kLeft + (value - x_from_) / (x_to_ - x_from_) * kPlotWidth;
  }
  [[nodiscard]] double y(double value) const {
    return kTop + kPlotHeight - std::min(value / y_max_, 1.0) * kPlotHeight;
  }

  void bar(double from, double to, double value, const std::string& tip) {
    const double gap = x(to) - x(from) > 4 ? 1 : 0;
    const double top = y(value);
    out_ += "<rect class=\"bar\" x=\"" + place(x(from) + gap / 2) + "\" y=\"" + place(top) +
            "\" width=\"" + place(std::max(0.5, x(to) - x(from) - gap)) + "\" height=\"" +
            place(kTop + kPlotHeight - top) + "\"><title>" + html(tip) + "</title></rect>";
  }

  void line(double x1, double y1, double x2, double y2, const char* style) {
    out_ += std::string("<line class=\"") + style + "\" x1=\"" + place(x(x1)) + "\" y1=\"" +
            place(y(y1)) + "\" x2=\"" + place(x(x2)) + "\" y2=\"" + place(y(y2)) + "\"/>";
  }

  void dot(double at_x, double at_y, const std::string& tip) {
    out_ += "<circle class=\"bar\" cx=\"" + place(x(at_x)) + "\" cy=\"" + place(y(at_y)) +
            "\" r=\"5\"><title>" + html(tip) + "</title></circle>";
  }

  void tick(double value, const std::string& text) {
    label(x(value), kTop + kPlotHeight + 16, "middle", text);
  }

  void vertical(double value, const char* style, const std::string& text) {
    const double at = x(std::clamp(value, x_from_, x_to_));
    out_ += std::string("<line class=\"") + style + "\" x1=\"" + place(at) + "\" x2=\"" +
            place(at) + "\" y1=\"" + place(kTop - 4) + "\" y2=\"" + place(kTop + kPlotHeight) +
            "\"/>";
    const bool right_half = at > kLeft + kPlotWidth * 0.7;
    if (!text.empty()) {
      label(at + (right_half ? -5 : 5), kTop + 8, right_half ? "end" : "start", text, "mark-label");
    }
  }

  [[nodiscard]] std::string take() { return out_ + "</svg>"; }

 private:
  void label(double at_x, double at_y, const char* anchor, const std::string& text,
             const char* style = "label") {
    out_ += std::string("<text class=\"") + style + "\" x=\"" + place(at_x) + "\" y=\"" +
            place(at_y) + "\" text-anchor=\"" + anchor + "\">" + html(text) + "</text>";
  }

  double x_from_, x_to_, y_max_;
  std::string out_;
};

double highest(const std::vector<std::int64_t>& counts) {
  return counts.empty() ? 0 : static_cast<double>(*std::max_element(counts.begin(), counts.end()));
}

}  // namespace

std::string html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += c;
    }
  }
  return out;
}

double nice_step(double range, int count) {
  if (!(range > 0) || count < 1) return 1;
  const double raw = range / count;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double lead = raw / power;
  return power * (lead <= 1.0001 ? 1 : lead <= 2.0001 ? 2 : lead <= 5.0001 ? 5 : 10);
}

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
  Plot plot(from, to, highest(h.counts), text);
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
  Plot plot(0, 1, 1, text);
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
  Plot plot(0, 1, 1, text);
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
  Plot plot(0, end, highest(pace.counts) / pace.bin_s, text);
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
