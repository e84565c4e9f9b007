#include "common/image/network_input.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace photoscribe::image {
namespace {

struct Chroma {
  std::array<std::int32_t, 256> red_of_cr, blue_of_cb;     // added to Y
  std::array<std::int32_t, 256> green_of_cr, green_of_cb;  // in units of 2^-16
};

constexpr Chroma make_chroma() {
  constexpr std::int32_t kHalf = 1 << 15;
  Chroma chroma{};
  for (int i = 0; i < 256; ++i) {
    const std::int32_t x = i - 128;
    const auto at = static_cast<std::size_t>(i);
    chroma.red_of_cr[at] = (91881 * x + kHalf) >> 16;    // 1.40200
    chroma.blue_of_cb[at] = (116130 * x + kHalf) >> 16;  // 1.77200
    chroma.green_of_cr[at] = -46802 * x;                 // 0.71414
    chroma.green_of_cb[at] = -22554 * x + kHalf;         // 0.34414
  }
  return chroma;
}
constexpr Chroma kChroma = make_chroma();

std::uint8_t clamp(int value) noexcept {
  return static_cast<std::uint8_t>(std::clamp(value, 0, 255));
}

void pixel_to_rgb(int y, std::uint8_t cb, std::uint8_t cr, std::uint8_t* rgb) noexcept {
  rgb[0] = clamp(y + kChroma.red_of_cr[cr]);
  rgb[1] = clamp(y + ((kChroma.green_of_cb[cb] + kChroma.green_of_cr[cr]) >> 16));
  rgb[2] = clamp(y + kChroma.blue_of_cb[cb]);
}

}  // namespace

void ycbcr_to_rgb(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr,
                  std::size_t count, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < count; ++i, rgb += 3) pixel_to_rgb(y[i], cb[i], cr[i], rgb);
}

void ycbcr_to_rgb(const std::uint8_t* ycbcr, std::size_t count, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < count; ++i, ycbcr += 3, rgb += 3)
    pixel_to_rgb(ycbcr[0], ycbcr[1], ycbcr[2], rgb);
}

DecodedImage upright_square(std::vector<std::uint8_t> rgb, int side_px, int orientation) {
  DecodedImage upright;
  upright.width_px = upright.height_px = side_px;
  upright.channels = 3;
  if (orientation <= 1 || orientation > 8) {
    upright.pixels = std::move(rgb);
    return upright;
  }
  // EXIF 2.32, tag 274: where row 0 and column 0 of the file lie in the picture. 5 to 8 also swap
  // rows and columns.
  const bool swap = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 ||
                          orientation == 8;  // the file's columns run against the picture's …
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 ||
                           orientation == 7;  // … and its rows
  const auto side = static_cast<std::size_t>(side_px);
  upright.pixels.resize(rgb.size());
  std::uint8_t* to = upright.pixels.data();
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x, to += 3) {
      const std::size_t column = swap ? y : x, row = swap ? x : y;
      const std::size_t from_x = from_right ? side - 1 - column : column;
      const std::size_t from_y = from_bottom ? side - 1 - row : row;
      std::memcpy(to, rgb.data() + (from_y * side + from_x) * 3, 3);
    }
  return upright;
}

}  // namespace photoscribe::image
