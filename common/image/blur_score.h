// blur_score: the variance of the Laplacian, row by row, from exact integer sums.
//
// Fed with gray rows as a decoder yields them, so a photo's gray image never has to be in memory as
// a whole. The sums are integers: the score does not depend on the order of pixels, and flips and
// quarter turns of the photo leave it the same to the last bit. It decodes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/core/spec.h"

namespace photoscribe {

/// Sums of the Laplacian and of its square over some pixels.
struct LaplacianSums {
  std::int64_t sum = 0, squares = 0;
};

/// Population variance of `pixels` values with these sums, from exact arithmetic in 128 bits.
[[nodiscard]] double variance(const LaplacianSums& sums, std::int64_t pixels) noexcept;

/// The 3x3 Laplacian of row `middle`, columns [first, last), added up. `width_px` is the length of
/// the three rows; columns beyond the edges are reflected (BORDER_REFLECT_101; a width of 1 repeats
/// its pixel, as OpenCV does).
void add_laplacian(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below,
                   int width_px, int first, int last, LaplacianSums& sums) noexcept;

/// The score of one photo. Modes full and normalised: the variance over the whole image (shrinking
/// for `normalised` happens before, scored_size()). Mode tile_max: the largest variance among tiles
/// of tile_px x tile_px, laid from the upper left; a rest narrower than half a tile belongs to its
/// neighbour, and the Laplacian at a tile's edge looks into the neighbour.
class BlurMeter {
 public:
  /// Requires width_px and height_px of at least 1.
  BlurMeter(int width_px, int height_px, const BlurSettings& blur);

  /// The next row, top to bottom. The last two rows given must stay readable and unchanged.
  void push(const std::uint8_t* row);

  /// After exactly height_px rows.
  [[nodiscard]] double score() const noexcept { return score_; }

 private:
  void process(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below);
  void close_tile_row();

  int width_px_, height_px_;
  int pushed_ = 0, processed_ = 0;
  const std::uint8_t* previous_ = nullptr;
  const std::uint8_t* before_previous_ = nullptr;
  std::vector<int> column_edges_, row_edges_;  // of the tiles; 0 … width_px, 0 … height_px
  std::vector<LaplacianSums> tiles_;           // of the row of tiles that is being filled
  std::size_t tile_row_ = 0;
  double score_ = 0;
};

/// Size that mode `normalised` shrinks a photo to before it is scored: the longer side is
/// normalised_side_px, the other one rounded, at least 1. Photos that are small already, and the
/// other modes, keep their size.
struct ScoredSize {
  int width_px = 0, height_px = 0;
};
[[nodiscard]] ScoredSize scored_size(int width_px, int height_px,
                                     const BlurSettings& blur) noexcept;

}  // namespace photoscribe
