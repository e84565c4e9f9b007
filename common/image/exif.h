// exif: which way up a photo is shown, from untrusted bytes. Internal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace photoscribe::image {

inline constexpr int kUpright = 1;

/// EXIF orientation (tag 0x0112), 1 to 8, out of a TIFF structure as it stands in JPEG's APP1,
/// PNG's eXIf, WebP's EXIF chunk or a TIFF file, with or without "Exif\0\0" before it: the first
/// directory's. None when absent, damaged or out of range.
[[nodiscard]] std::optional<int> exif_orientation(std::span<const std::uint8_t> exif) noexcept;

/// The same of an XMP packet (tiff:Orientation, XMP part 2, 2.7), as attribute or element.
[[nodiscard]] std::optional<int> xmp_orientation(std::span<const std::uint8_t> xmp) noexcept;

/// What a file says in both: EXIF first, as viewers do; upright when in neither.
[[nodiscard]] inline int orientation_of(std::span<const std::uint8_t> exif,
                                        std::span<const std::uint8_t> xmp) noexcept {
  const auto own = exif_orientation(exif);
  return own ? *own : xmp_orientation(xmp).value_or(kUpright);
}

/// True when this orientation swaps width and height.
[[nodiscard]] constexpr bool swaps_sides(int orientation) noexcept { return orientation >= 5; }

}  // namespace photoscribe::image
