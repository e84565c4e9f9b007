// gif_reader: the first frame of a GIF through giflib. Internal.
//
// Only that frame is decoded, so an animation of a million frames costs as much as one; of the rest
// of the file only the blocks are walked, to see that it is all there.
#pragma once

#include <cstdint>
#include <span>

#include "common/image/failure.h"

namespace photoscribe::image {

/// RGB of the whole canvas: black where the frame does not reach or is transparent (the file's
/// background colour is not used; no viewer does). A frame that leaves the canvas is cut there.
[[nodiscard]] Decoded<DecodedImage> read_first_gif_frame(std::span<const std::uint8_t> bytes,
                                                         const DecodeLimits& limits);

}  // namespace photoscribe::image
