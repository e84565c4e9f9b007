// tiff_pieces: the strips or tiles of an open TIFF as they lie in its file: what there is of them,
// and the damage that libtiff's decoders do not notice. Internal.
#pragma once

#include <tiffio.h>

#include <cstdint>
#include <span>

#include "common/image/failure.h"

namespace photoscribe::image {

/// A piece that is said to reach past the end of the file has what there is: if that is too little
/// for its pixels, its decoder says so. The counts are libtiff's own, of this open file.
[[nodiscard]] Decoded<void> clamp_tiff_pieces(TIFF* file, std::span<const std::uint8_t> bytes);

/// After all pixels were decoded without a complaint.
[[nodiscard]] Decoded<void> check_tiff_pieces(TIFF* file, std::span<const std::uint8_t> bytes);

}  // namespace photoscribe::image
