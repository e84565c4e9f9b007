// plot: one chart as SVG text: no script, no library, the same on paper.
//
// Colours and fonts come from the page's style sheet (classes bar, curve, mark, s0 to s5), so
// charts follow its light and dark dress. Bars and dots carry their numbers as tooltips.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace photoscribe::page {

struct ChartText {
  std::string title;    // read out by screen readers
  std::string x_label;  // below the axis
  std::string y_label;  // above the axis
};

/// What an axis spans.
struct Span {
  double from = 0, to = 1;
};

/// Maps data to the view box and collects elements.
class Plot {
 public:
  Plot(Span x, Span y, const ChartText& text);

  void bar(double from, double to, double value, const std::string& tip);
  void line(double x1, double y1, double x2, double y2, std::string_view style);
  /// Lines from point to point.
  void curve(const std::vector<std::pair<double, double>>& points, std::string_view style);
  void dot(double at_x, double at_y, const std::string& tip, std::string_view style = "bar",
           double radius = 5);
  void tick(double value, const std::string& text);
  /// Ticks at round numbers over the whole axis.
  void ticks();
  void vertical(double value, std::string_view style, const std::string& text);

  [[nodiscard]] std::string take() { return out_ + "</svg>"; }

 private:
  [[nodiscard]] double x(double value) const;
  [[nodiscard]] double y(double value) const;
  void label(double at_x, double at_y, std::string_view anchor, std::string_view text,
             std::string_view style = "label");

  Span x_, y_;
  std::string out_;
};

/// How many classes of series the style sheet has: s0, s1, …
inline constexpr std::size_t kSeriesColours = 6;

/// A round step so that about `count` of them cover `range`: 1, 2 or 5 times a power of ten.
[[nodiscard]] double nice_step(double range, int count);

/// 0.25, 1e-05: six digits at most.
[[nodiscard]] std::string number(double value);
/// 12500 → "12.5k"
[[nodiscard]] std::string short_count(double value);

}  // namespace photoscribe::page
