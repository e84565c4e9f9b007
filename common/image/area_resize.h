// area_resize: rows of a picture in, rows of a smaller or larger one out, in exact arithmetic.
//
// Along an axis that shrinks every output pixel is the mean of the area that it covers; along one
// that grows it is interpolated linearly between pixel centres. Weights are whole numbers, so the
// result is the same on every machine and whichever OpenCV is installed; it is within one grey
// level of cv::resize with INTER_AREA and INTER_LINEAR. Row by row, so the large picture never has
// to be in memory. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace photoscribe::image {

/// How one axis is resampled: output i is the weighted mean of `count` source pixels from `first`
/// on. All weights but the outer two are `inner_weight`; they add up to `total`.
struct AxisPlan {
  struct Taps {
    int first = 0, count = 1;
    std::uint32_t first_weight = 0, last_weight = 0;  // only the first counts when count is 1
  };
  std::vector<Taps> taps;
  std::uint32_t inner_weight = 0, total = 0;
};
/// Requires sides of 1 to 2^24 and 1 to 2^15 - 1.
[[nodiscard]] AxisPlan plan_axis(int from_px, int to_px);

struct Size {
  int width_px = 0, height_px = 0;
  bool operator==(const Size&) const = default;
};

class AreaResizer {
 public:
  /// `channels` interleaved bytes per pixel. `output` takes to.height_px rows without padding and
  /// must outlive the resizer.
  AreaResizer(Size from, int channels, Size to, std::uint8_t* output);

  /// The next source row, top to bottom. It is not read again later.
  void push(const std::uint8_t* row);

  /// Output rows that are finished; all of them after the last source row.
  [[nodiscard]] int rows_done() const noexcept { return rows_done_; }

 private:
  void emit();
  void prepare_columns();
  [[nodiscard]] std::uint8_t resampled(const AxisPlan::Taps& taps, std::size_t channel) const;

  int channels_, row_values_;
  AxisPlan columns_, rows_;
  std::uint8_t* output_;
  std::size_t output_stride_;
  double scale_;  // one over the product of both totals
  int pushed_ = 0, rows_done_ = 0;
  std::vector<std::uint32_t> sums_;     // of one output row, before its columns are resampled
  std::vector<std::uint8_t> previous_;  // the row before, when rows are interpolated
  // Where there are vectors for it: of each output column, in doubles, which hold all of it
  // exactly.
  int fours_ = 0;                // weights of an output, in fours; 0: no vectors
  std::vector<double> weights_;  // of the pixels from its first on
  std::vector<double> row_;      // sums_, and zeros behind them
};

}  // namespace photoscribe::image
