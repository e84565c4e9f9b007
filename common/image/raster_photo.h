// raster_photo: score and network input of everything that is not a JPEG. Internal.
//
// The score comes from the gray picture that OpenCV's decoder of the format would give (raster.h),
// which is not always the gray of the colour picture.
#pragma once

#include <cstdint>
#include <span>

#include "common/image/failure.h"
#include "common/image/format.h"
#include "common/image/jpeg_photo.h"

namespace photoscribe::image {

/// `sniffed.format` is one that raster.h has a reader for.
[[nodiscard]] Decoded<GatedPhoto> load_raster(std::span<const std::uint8_t> bytes,
                                              const Sniffed& sniffed, const Wanted& wanted,
                                              const DecodeLimits& limits);

}  // namespace photoscribe::image
