// thumbnail: a small JPEG of a photo, for people. Nothing here feeds the network.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/image/photo.h"

namespace photoscribe {

/// A baseline JPEG whose longer side has `side_px` pixels (16 to 1024), upright, in the photo's
/// proportions: `photo` is what measure_photo() or a worker found. Fails as decode_for_network().
[[nodiscard]] Decoded<std::vector<std::uint8_t>> jpeg_thumbnail(std::span<const std::uint8_t> bytes,
                                                                int side_px, const Measured& photo,
                                                                const DecodeLimits& limits);

}  // namespace photoscribe
