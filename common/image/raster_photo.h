// raster_photo: score and network input of everything that is not a JPEG. Internal.
//
// Container first (container.h: size, caps, cut files), then OpenCV's decoders or giflib. The score
// comes from OpenCV's own gray decode, never from a colour decode; only a GIF, which OpenCV 4.6
// cannot read, is made gray from RGB, by OpenCV's formula.
#pragma once

#include <cstdint>
#include <span>

#include "common/image/failure.h"
#include "common/image/format.h"
#include "common/image/jpeg_photo.h"

namespace photoscribe::image {

/// `sniffed.format` is png, webp, tiff, bmp or gif.
[[nodiscard]] Decoded<GatedPhoto> load_raster(std::span<const std::uint8_t> bytes,
                                              const Sniffed& sniffed, const Wanted& wanted,
                                              const DecodeLimits& limits);

}  // namespace photoscribe::image
