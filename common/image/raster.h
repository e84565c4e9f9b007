// raster: a decoded picture as it is stored, and the readers that make one of each format but JPEG.
// Internal.
//
// Each reader drives its format's own library with that library's complaints as values, so that
// what cost a pixel is a failure and what cost none is not. Caps hold before memory is allocated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/image/area_resize.h"
#include "common/image/failure.h"

namespace photoscribe::image {

enum class Pixels {
  gray,  // as `cv2.imread(path, cv2.IMREAD_GRAYSCALE)` gives it, but for orientation
  rgb,   // transparency is shown on black
  both,  // RGB where the gray can be made of it, else gray
};

/// How gray is made of RGB, where OpenCV makes it so.
enum class GrayOf { cvt_color, decoders };

struct Raster {
  Size size;  // as stored
  /// 1 or 3. Asked for gray, a reader may give RGB: then the gray is made of it as `gray_of` says,
  /// and Pixels::rgb would be the same picture.
  int channels = 3;
  GrayOf gray_of = GrayOf::cvt_color;
  int orientation = 1;               // EXIF's numbers
  std::vector<std::uint8_t> pixels;  // rows without padding

  [[nodiscard]] std::size_t stride() const noexcept {
    return static_cast<std::size_t>(size.width_px) * static_cast<std::size_t>(channels);
  }
  [[nodiscard]] std::uint8_t* row(int y) noexcept {
    return pixels.data() + static_cast<std::size_t>(y) * stride();
  }
  [[nodiscard]] const std::uint8_t* row(int y) const noexcept {
    return pixels.data() + static_cast<std::size_t>(y) * stride();
  }
};

/// A black one.
[[nodiscard]] inline Raster make_raster(Size size, int channels) {
  Raster raster;
  raster.size = size;
  raster.channels = channels;
  raster.pixels.resize(static_cast<std::size_t>(size.height_px) * raster.stride());
  return raster;
}

/// OpenCV's gray of one pixel where its decoders make it themselves (TIFF, BMP): weights of 2^14.
[[nodiscard]] constexpr std::uint8_t decoders_gray(int red, int green, int blue) noexcept {
  return static_cast<std::uint8_t>((red * 4899 + green * 9617 + blue * 1868 + (1 << 13)) >> 14);
}
/// OpenCV's gray of RGB pixels; cvt_color (WebP; a GIF, which it cannot read): weights of 2^15.
inline void rgb_to_gray(const std::uint8_t* rgb, std::size_t count, std::uint8_t* gray,
                        GrayOf how = GrayOf::cvt_color) noexcept {
  for (std::size_t i = 0; i < count; ++i, rgb += 3)
    gray[i] = how == GrayOf::decoders
                  ? decoders_gray(rgb[0], rgb[1], rgb[2])
                  : static_cast<std::uint8_t>(
                        (rgb[0] * 9798 + rgb[1] * 19235 + rgb[2] * 3735 + (1 << 14)) >> 15);
}

/// One sample shown on black, to the nearest; `opaque` is the largest alpha.
[[nodiscard]] constexpr unsigned on_black(unsigned value, unsigned alpha,
                                          unsigned opaque) noexcept {
  return alpha == opaque ? value : (value * alpha + opaque / 2) / opaque;
}

/// Whether compressed data end in so many zeros that they were overwritten, as by a copy that broke
/// off on a file made at its full length: for coders that notice nothing. A photo's data do not.
[[nodiscard]] inline bool ends_in_zeros(std::span<const std::uint8_t> data) noexcept {
  constexpr std::size_t kZeros = 64;
  return data.size() > kZeros &&
         std::ranges::all_of(data.last(kZeros), [](std::uint8_t value) { return value == 0; });
}

[[nodiscard]] Decoded<Raster> read_png(std::span<const std::uint8_t> bytes, Pixels wanted,
                                       const DecodeLimits& limits);
[[nodiscard]] Decoded<Raster> read_webp(std::span<const std::uint8_t> bytes, Pixels wanted,
                                        const DecodeLimits& limits);
[[nodiscard]] Decoded<Raster> read_tiff(std::span<const std::uint8_t> bytes, Pixels wanted,
                                        const DecodeLimits& limits);
[[nodiscard]] Decoded<Raster> read_bmp(std::span<const std::uint8_t> bytes, Pixels wanted,
                                       const DecodeLimits& limits);
/// The first frame on its canvas. Only that frame is decoded, so an animation of a million frames
/// costs as much as one, and what is wrong with the others costs nothing.
[[nodiscard]] Decoded<Raster> read_gif(std::span<const std::uint8_t> bytes,
                                       const DecodeLimits& limits);

/// The primary picture, turned as the file says; its gray is rgb_to_gray(). `name`: "HEIC", "AVIF"
/// …
[[nodiscard]] Decoded<Raster> read_heif(std::span<const std::uint8_t> bytes, std::string_view name,
                                        const DecodeLimits& limits);

}  // namespace photoscribe::image
