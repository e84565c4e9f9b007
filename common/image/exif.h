// exif: the orientation tag, out of bytes that nobody vouches for. Internal.
#pragma once

#include <cstdint>
#include <span>

namespace photoscribe::image {

/// EXIF orientation (tag 0x0112), 1 to 8, out of a TIFF structure as it stands in JPEG's APP1
/// (after "Exif\0\0"), PNG's eXIf, WebP's EXIF chunk or a TIFF file: the first directory's. 1 when
/// absent, damaged or out of range.
[[nodiscard]] int exif_orientation(std::span<const std::uint8_t> tiff) noexcept;

/// True when this orientation swaps width and height.
[[nodiscard]] constexpr bool swaps_sides(int orientation) noexcept { return orientation >= 5; }

}  // namespace photoscribe::image
