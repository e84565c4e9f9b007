// blur_tiles: how strongly gray changes in each tile of a small picture, at four scales and in four
// directions. What blur mode `learned` is computed from (blur_evidence.h).
//
// Maxima and sums of integers alone, so the same on every machine. It decodes nothing and does not
// shrink, except by halves. Internal.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/image/area_resize.h"

namespace photoscribe::image {

inline constexpr int kTilePx = 16;         // side of a tile, at the first scale
inline constexpr int kTileScales = 4;      // the picture, and three halvings of it by 2 x 2 means
inline constexpr int kTileDirections = 4;  // across, down, both diagonals

struct Tile {
  /// The largest |a - 2b + c| of neighbours in each direction, in grey levels.
  std::array<std::array<std::int16_t, kTileDirections>, kTileScales> largest{};
  /// Sum of |a - 2b + c| over the tile's pixels of the second scale and all directions.
  std::int32_t second_scale_sum = 0;
  /// Sum over the tile's pixels of the absolute response to 1 -2 1 / -2 4 -2 / 1 -2 1, which noise
  /// has and edges do not (Immerkaer, "Fast Noise Variance Estimation", CVIU 1996).
  std::int32_t noise_sum = 0;
};

struct Tiles {
  int columns = 0, rows = 0;
  std::vector<Tile> tiles;  // row by row; a rest narrower than a tile belongs to none
};

/// Of rows of `size.width_px` gray bytes without padding. None where a side is under kTilePx.
/// Neighbours beyond the picture's edge are reflected (BORDER_REFLECT_101).
[[nodiscard]] Tiles measure_tiles(const std::uint8_t* gray, Size size);

}  // namespace photoscribe::image
