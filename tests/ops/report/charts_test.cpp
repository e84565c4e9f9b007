// Histograms, pace and their drawings: pure.
#include "ops/report/charts.h"

#include <gmock/gmock.h>

#include <cmath>

#include "common/page/html.h"

namespace photoscribe::report {
namespace {

using page::nice_step;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Histogram, CountsInBinsAndKeepsWhatLiesOutsideAtTheEnds) {
  Histogram h{0, 0.5, false, std::vector<std::int64_t>(4)};
  for (const double value : {-3.0, 0.0, 0.49, 0.5, 1.99, 2.0, 99.0, std::nan("")}) h.add(value);

  EXPECT_THAT(h.counts, ElementsAre(3, 1, 0, 3));
  EXPECT_EQ(h.total(), 7);
}

TEST(Histogram, CountsDecades) {
  Histogram h{-1, 1, true, std::vector<std::int64_t>(4)};
  for (const double value : {0.0, -5.0, 0.5, 1.0, 9.9, 10.0, 5000.0}) h.add(value);

  EXPECT_THAT(h.counts, ElementsAre(3, 2, 1, 1));
}

TEST(Histogram, LosesOnlyEmptyBinsAtItsEnds) {
  const Histogram h{0, 1, false, {0, 0, 2, 0, 1, 0}};

  EXPECT_THAT(h.trimmed().counts, ElementsAre(2, 0, 1));
  EXPECT_EQ(h.trimmed().from, 2);
  EXPECT_THAT((Histogram{0, 1, false, {0, 0}}.trimmed().counts), ElementsAre(0));
}

TEST(PaceOf, LeavesOutTheTimeInWhichTheRunStoodStill) {
  const Pace pace = pace_of({{1000, 5}, {1001, 6}, {1003, 7}, {90'000, 8}, {90'001, 9}});

  EXPECT_EQ(pace.bin_s, 1);
  EXPECT_THAT(pace.counts, ElementsAre(5, 6, 0, 7, 8, 9));
  EXPECT_THAT(pace.pauses, ElementsAre(4));
  EXPECT_EQ(pace.active_s, 6);
  EXPECT_EQ(pace.photos, 35);
}

TEST(PaceOf, MakesBinsLongerForLongRuns) {
  std::map<std::int64_t, std::int64_t> hours;
  for (int second = 0; second < 7'200; ++second) hours[second] = 2;

  const Pace pace = pace_of(hours);

  EXPECT_EQ(pace.bin_s, 100);
  EXPECT_EQ(pace.counts.size(), 72U);
  EXPECT_EQ(pace.counts.front(), 200);
  EXPECT_TRUE(pace_of({}).counts.empty());
}

TEST(NiceStep, IsOneTwoOrFiveTimesAPowerOfTen) {
  EXPECT_EQ(nice_step(100, 4), 50);
  EXPECT_EQ(nice_step(0.7, 4), 0.2);
  EXPECT_EQ(nice_step(4, 4), 1);
  EXPECT_EQ(nice_step(0, 4), 1);
}

TEST(Charts, DrawABarForEachBinThatHoldsSomethingAndTheThreshold) {
  Histogram h = blur_histogram();
  for (const double score : {20.0, 20.0, 150.0, 3000.0}) h.add(score);

  const std::string svg =
      histogram_svg(h, {"Blur <scores>", "score", "photos"}, Marker{100, "threshold 100"});

  std::size_t bars = 0;
  for (std::size_t at = svg.find("<rect"); at != std::string::npos;
       at = svg.find("<rect", at + 1)) {
    ++bars;
  }
  EXPECT_EQ(bars, 3U);
  EXPECT_THAT(svg, HasSubstr("threshold 100"));
  EXPECT_THAT(svg, HasSubstr("Blur &lt;scores&gt;"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, HasSubstr(">1000</text>"));
}

TEST(Charts, DrawNothingOutOfNothing) {
  EXPECT_THAT(histogram_svg(unit_histogram(), {"a", "b", "c"}), Not(HasSubstr("nan")));
  EXPECT_THAT(pace_svg(Pace{}, {"a", "b", "c"}), Not(HasSubstr("nan")));
}

TEST(Html, LeavesNothingThatHtmlWouldRead) {
  EXPECT_EQ(page::html("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
}

}  // namespace
}  // namespace photoscribe::report
