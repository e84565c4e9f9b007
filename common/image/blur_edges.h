// blur_edges: how sharp the sharpest edges of a small gray picture are, whichever way they run.
//
// The blur mode `edges`. Where the variance of the Laplacian asks how much detail a photo has, this
// asks how steep its steepest edges are, in each of four directions, and takes the worst: a photo
// that moved keeps sharp edges along the movement and has none across it. Few pixels decide, so a
// soft background or a smooth sky do no harm. It decodes nothing and does not shrink.
#pragma once

#include <cstdint>

namespace photoscribe::image {

/// Longer side that mode `edges` shrinks a photo to before it is scored: at it a blur of a fixed
/// share of the picture is equally many pixels wide, and noise is averaged away in large photos.
inline constexpr int kEdgesSidePx = 256;

/// Scores rows of `width_px` gray bytes without padding, in grey levels squared times a constant:
/// with it 100, the default threshold, is near Youden's best on the labelled set of
/// ops/bench/RESULTS.md.
///
/// In each direction (across, down, both diagonals): the 99.9th percentile of the absolute second
/// difference |a - 2b + c| of neighbours, less five times the noise's standard deviation; of these
/// four the smallest, squared. Noise is measured where the picture is flattest: by the mask
/// 1 -2 1 / -2 4 -2 / 1 -2 1 (Immerkaer, "Fast Noise Variance Estimation", CVIU 1996), whose mean
/// square over tiles of 16 x 16 is taken at the tenth percentile. 0 for a picture of fewer than 3
/// pixels either way.
[[nodiscard]] double edge_score(const std::uint8_t* gray, int width_px, int height_px);

}  // namespace photoscribe::image
