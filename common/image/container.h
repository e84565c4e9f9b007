// container: what a PNG, WebP, TIFF or BMP file says about itself, checked before it is decoded.
// Internal.
//
// Sizes against the caps before anything is allocated; cut files, which decoders let pass or only
// notice after the work; variants that are not decoded, by name. It decodes no pixel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/image/area_resize.h"
#include "common/image/failure.h"

namespace photoscribe::image {

struct Container {
  Size size;            // as stored
  int orientation = 1;  // EXIF's, or TIFF's own tag
  bool alpha = false;   // pixels may be transparent, and the decoder does not show them on black
  /// What to decode instead of the file, when not empty: without what a decoder would trip over or
  /// do by itself (a TIFF's orientation), or one frame as a file of its own.
  std::vector<std::uint8_t> rewritten;
  /// Of an animation's first frame: where it lies on a canvas of `size`. Equal to {} else.
  int frame_left_px = 0, frame_top_px = 0;
};

[[nodiscard]] Decoded<Container> check_png(std::span<const std::uint8_t> bytes,
                                           const DecodeLimits& limits);
[[nodiscard]] Decoded<Container> check_webp(std::span<const std::uint8_t> bytes,
                                            const DecodeLimits& limits);
[[nodiscard]] Decoded<Container> check_tiff(std::span<const std::uint8_t> bytes,
                                            const DecodeLimits& limits);
[[nodiscard]] Decoded<Container> check_bmp(std::span<const std::uint8_t> bytes,
                                           const DecodeLimits& limits);

}  // namespace photoscribe::image
