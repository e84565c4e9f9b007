#include "common/page/plot.h"

#include <algorithm>
#include <cmath>

#include "common/page/html.h"
#include "common/text/human_numbers.h"

namespace photoscribe::page {
namespace {

// In the units of the view box; the page scales it to its column.
constexpr double kWidth = 640, kHeight = 230;
constexpr double kLeft = 56, kRight = 12, kTop = 22, kBottom = 42;
constexpr double kPlotWidth = kWidth - kLeft - kRight, kPlotHeight = kHeight - kTop - kBottom;

std::string place(double value) { return fixed(value, 1); }

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + std::string(value) + "\"";
}

/// Never of no length.
Span stretched(Span span) { return {span.from, span.to > span.from ? span.to : span.from + 1}; }

}  // namespace

std::string number(double value) {
  return plain(value + 0.0);  // never "-0"
}

std::string short_count(double value) {
  if (value >= 1e6) return number(value / 1e6) + "M";
  if (value >= 1e4) return number(value / 1e3) + "k";
  return number(value);
}

double nice_step(double range, int count) {
  if (!(range > 0) || count < 1) return 1;
  const double raw = range / count;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double lead = raw / power;
  return power * (lead <= 1.0001 ? 1 : lead <= 2.0001 ? 2 : lead <= 5.0001 ? 5 : 10);
}

Plot::Plot(Span x, Span y, const ChartText& text) : x_(stretched(x)), y_(stretched(y)) {
  out_ = "<svg class=\"chart\" viewBox=\"0 0 " + number(kWidth) + " " + number(kHeight) +
         "\" role=\"img\" aria-label=\"" + html(text.title) + "\">";
  label(kLeft, kTop - 8, "start", text.y_label);
  label(kLeft + kPlotWidth / 2, kHeight - 6, "middle", text.x_label);
  const double range = y_.to - y_.from, step = nice_step(range, 4);
  for (double i = std::ceil(y_.from / step - 1e-4); i * step <= y_.to + range * 1e-4; ++i) {
    const double at = this->y(i * step);
    out_ += "<line class=\"grid\"" + attribute("x1", place(kLeft)) +
            attribute("x2", place(kWidth - kRight)) + attribute("y1", place(at)) +
            attribute("y2", place(at)) + "/>";
    label(kLeft - 6, at + 4, "end", short_count(i * step));
  }
}

double Plot::x(double value) const {
  return kLeft + (value - x_.from) / (x_.to - x_.from) * kPlotWidth;
}

double Plot::y(double value) const {
  const double share = (value - y_.from) / (y_.to - y_.from);
  return kTop + kPlotHeight - std::clamp(share, 0.0, 1.0) * kPlotHeight;
}

void Plot::bar(double from, double to, double value, const std::string& tip) {
  const double gap = x(to) - x(from) > 4 ? 1 : 0;
  const double top = y(value);
  out_ += "<rect class=\"bar\"" + attribute("x", place(x(from) + gap / 2)) +
          attribute("y", place(top)) +
          attribute("width", place(std::max(0.5, x(to) - x(from) - gap))) +
          attribute("height", place(kTop + kPlotHeight - top)) + "><title>" + html(tip) +
          "</title></rect>";
}

void Plot::line(double x1, double y1, double x2, double y2, std::string_view style) {
  out_ += "<line" + attribute("class", style) + attribute("x1", place(x(x1))) +
          attribute("y1", place(y(y1))) + attribute("x2", place(x(x2))) +
          attribute("y2", place(y(y2))) + "/>";
}

void Plot::curve(const std::vector<std::pair<double, double>>& points, std::string_view style) {
  std::string all;
  for (const auto& [at_x, at_y] : points) all += place(x(at_x)) + "," + place(y(at_y)) + " ";
  out_ += "<polyline" + attribute("class", "curve " + std::string(style)) +
          attribute("points", all) + "/>";
}

void Plot::dot(double at_x, double at_y, const std::string& tip, std::string_view style,
               double radius) {
  out_ += "<circle" + attribute("class", style) + attribute("cx", place(x(at_x))) +
          attribute("cy", place(y(at_y))) + attribute("r", number(radius)) + "><title>" +
          html(tip) + "</title></circle>";
}

void Plot::tick(double value, const std::string& text) {
  label(x(value), kTop + kPlotHeight + 16, "middle", text);
}

void Plot::ticks() {
  const double range = x_.to - x_.from, step = nice_step(range, 8);
  for (double i = std::ceil(x_.from / step - 1e-4); i * step <= x_.to + range * 1e-4; ++i)
    tick(i * step, short_count(i * step));
}

void Plot::vertical(double value, std::string_view style, const std::string& text) {
  const double at = x(std::clamp(value, x_.from, x_.to));
  out_ += "<line" + attribute("class", style) + attribute("x1", place(at)) +
          attribute("x2", place(at)) + attribute("y1", place(kTop - 4)) +
          attribute("y2", place(kTop + kPlotHeight)) + "/>";
  const bool right_half = at > kLeft + kPlotWidth * 0.7;
  if (!text.empty()) {
    label(at + (right_half ? -5 : 5), kTop + 8, right_half ? "end" : "start", text, "mark-label");
  }
}

void Plot::label(double at_x, double at_y, std::string_view anchor, std::string_view text,
                 std::string_view style) {
  out_ += "<text" + attribute("class", style) + attribute("x", place(at_x)) +
          attribute("y", place(at_y)) + attribute("text-anchor", anchor) + ">" + html(text) +
          "</text>";
}

}  // namespace photoscribe::page
