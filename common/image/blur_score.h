// blur_score: the variance of the Laplacian, row by row, from exact integer sums.
//
// Fed with gray rows as a decoder yields them, so a photo's gray image never has to be in memory as
// a whole. The sums are integers: the score does not depend on the order of pixels, and flips and
// quarter turns of the photo leave it the same to the last bit. It decodes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/spec.h"
#include "common/image/area_resize.h"

namespace photoscribe::image {

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

/// Size that mode `normalised` shrinks a photo to before it is scored: the longer side is
/// normalised_side_px, the other one rounded, at least 1; mode `edges` to kEdgesSidePx. Photos that
/// are small already, and the other modes, keep their size.
[[nodiscard]] Size scored_size(Size photo, const BlurSettings& blur) noexcept;

/// The score of one photo, by the mode.
///
/// full: the variance over the whole photo. normalised: the variance over the photo shrunk by area
/// to scored_size(), so that photos of one scene at different resolutions compare. tile_max: the
/// largest variance among tiles of tile_px x tile_px, laid from the upper left; a rest narrower
/// than half a tile belongs to its neighbour, and the Laplacian at a tile's edge looks across it.
/// edges: edge_score (blur_edges.h) of the photo shrunk by area to kEdgesSidePx.
class BlurMeter {
 public:
  /// Requires sides of at least 1.
  BlurMeter(Size photo, const BlurSettings& blur);
  BlurMeter(const BlurMeter&) = delete;  // shrink_ writes into shrunk_
  BlurMeter& operator=(const BlurMeter&) = delete;

  /// The next gray row, top to bottom. The last two rows given must stay readable and unchanged.
  void push(const std::uint8_t* row);

  /// After exactly photo.height_px rows.
  [[nodiscard]] double score() const noexcept { return score_; }

 private:
  void push_scored(const std::uint8_t* row);
  void process(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below);
  void close_tile_row();

  Size size_;  // of what is scored
  std::vector<std::uint8_t> shrunk_;
  std::optional<AreaResizer> shrink_;
  int pushed_ = 0, processed_ = 0;
  const std::uint8_t* previous_ = nullptr;
  const std::uint8_t* before_previous_ = nullptr;
  std::vector<int> column_edges_, row_edges_;  // of the tiles; 0 … width, 0 … height
  std::vector<LaplacianSums> tiles_;           // of the row of tiles that is being filled
  std::size_t tile_row_ = 0;
  std::vector<std::uint8_t> kept_;  // mode edges: the whole of what is scored
  double score_ = 0;
};

}  // namespace photoscribe::image
