// network_input: colour in whatever form a decoder has it, as the network's upright RGB square.
// Internal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/core/types.h"

namespace photoscribe::image {

/// `count` pixels of Y, Cb, Cr, each a plane of its own, to interleaved RGB: the integer formula of
/// libjpeg (JFIF, BT.601 full range), to the last bit.
void ycbcr_to_rgb(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr,
                  std::size_t count, std::uint8_t* rgb);
/// The same of interleaved Y, Cb, Cr; `rgb` may be `ycbcr`.
void ycbcr_to_rgb(const std::uint8_t* ycbcr, std::size_t count, std::uint8_t* rgb);

/// A square of side_px x side_px RGB pixels as stored, turned and mirrored as EXIF `orientation` (1
/// to 8) says. The square is the same whether a photo is turned before it is resized or after;
/// turning the small one is cheaper.
[[nodiscard]] DecodedImage upright_square(std::vector<std::uint8_t> rgb, int side_px,
                                          int orientation);

}  // namespace photoscribe::image
