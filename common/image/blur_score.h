// blur_score: the variance of the Laplacian, row by row, from exact integer sums.
//
// Fed with gray rows as a decoder yields them, so a photo's gray image never has to be in memory as
// a whole. The sums are integers: the score does not depend on the order of pixels, and flips and
// quarter turns of the photo leave it the same to the last bit. It decodes nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/blur.h"
#include "common/image/area_resize.h"
#include "common/image/blur_evidence.h"

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

/// `photo` shrunk so that its longer side is `longer_px`, the other one rounded, at least 1. A
/// photo that is small already keeps its size.
[[nodiscard]] Size shrunk_size(Size photo, int longer_px) noexcept;

/// The variance of the Laplacian of a picture and of its sharpest tile, fed row by row.
class VarianceMeter {
 public:
  /// Tiles of tile_px x tile_px are laid from the upper left; a rest narrower than half a tile
  /// belongs to its neighbour, and the Laplacian at a tile's edge looks across it.
  VarianceMeter(Size picture, int tile_px);

  /// The next gray row, top to bottom. The last two rows given must stay readable and unchanged.
  void push(const std::uint8_t* row);

  /// After exactly picture.height_px rows.
  [[nodiscard]] double of_whole() const noexcept;
  [[nodiscard]] double of_sharpest_tile() const noexcept { return sharpest_; }

 private:
  void process(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below);
  void close_tile_row();

  Size size_;
  int pushed_ = 0, processed_ = 0;
  const std::uint8_t* previous_ = nullptr;
  const std::uint8_t* before_previous_ = nullptr;
  std::vector<int> column_edges_, row_edges_;  // of the tiles; 0 … width, 0 … height
  std::vector<LaplacianSums> tiles_;           // of the row of tiles that is being filled
  std::size_t tile_row_ = 0;
  LaplacianSums whole_;
  double sharpest_ = 0;
};

/// The scores of one photo in every mode, in one pass over its rows.
///
/// full: the variance over the whole photo. normalised: the variance over the photo shrunk by area
/// to a longer side of normalised_side_px, so that photos of one scene at different resolutions
/// compare. tile_max: the largest variance among tiles of tile_px. edges: edge_score (blur_edges.h)
/// of the photo shrunk by area to kEdgesSidePx. learned: clear_percent (blur_evidence.h) of the
/// photo shrunk by area to kLearnedSidePx; where there is no evidence, by the plain rule, half of
/// full's score and at most 100.
class BlurMeter {
 public:
  /// Requires sides of at least 1. `blur` gives the sizes.
  BlurMeter(Size photo, const BlurSettings& blur);
  BlurMeter(const BlurMeter&) = delete;
  BlurMeter& operator=(const BlurMeter&) = delete;
  ~BlurMeter();

  /// The next gray row, top to bottom. The last two rows given must stay readable and unchanged.
  void push(const std::uint8_t* row);

  /// After exactly photo.height_px rows.
  [[nodiscard]] BlurScores scores() const;
  /// What the rows so far took, by every kTimedRow-th of them: a clock costs as much as a short
  /// row.
  [[nodiscard]] std::chrono::nanoseconds time() const noexcept { return timed_ * kTimedRow; }

  /// What mode learned judges by, for fitting it; after exactly photo.height_px rows.
  [[nodiscard]] std::optional<BlurEvidence> evidence() const;

 private:
  /// The photo made smaller, whole; none when it is small already.
  struct Shrunk {
    Shrunk(Size photo, Size to);
    Shrunk(const Shrunk&) = delete;  // resizer writes into pixels
    Shrunk& operator=(const Shrunk&) = delete;
    [[nodiscard]] const std::uint8_t* row(int y) const noexcept;

    Size size;
    std::vector<std::uint8_t> pixels;
    AreaResizer resizer;
  };

  static constexpr int kTimedRow = 16;
  void measure(const std::uint8_t* row);

  int rows_ = 0;
  std::chrono::nanoseconds timed_{0};
  VarianceMeter full_;
  std::optional<Shrunk> normalised_;
  std::optional<VarianceMeter> of_normalised_;
  /// The photo at a smaller size, or as it is.
  struct View {
    const std::uint8_t* pixels;
    Size size;
  };
  [[nodiscard]] View view(const std::optional<Shrunk>& shrunk) const noexcept;
  [[nodiscard]] double edges_score() const;

  Size photo_;
  std::optional<Shrunk> edges_, learned_;
  std::vector<std::uint8_t> kept_;  // the photo, when one of them takes it as it is
};

}  // namespace photoscribe::image
