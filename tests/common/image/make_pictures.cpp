#include <algorithm>
#include <cmath>

#include "tests/common/image/make_images.h"

namespace photoscribe::testing {
namespace {

DecodedImage blank(int width_px, int height_px) {
  DecodedImage image;
  image.width_px = width_px;
  image.height_px = height_px;
  image.channels = 3;
  image.pixels.resize(static_cast<std::size_t>(width_px) * static_cast<std::size_t>(height_px) * 3);
  return image;
}

std::uint8_t* at(DecodedImage& image, int x, int y) {
  return image.pixels.data() +
         (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width_px) +
          static_cast<std::size_t>(x)) *
             3;
}

}  // namespace

DecodedImage sharp_picture(int width_px, int height_px, std::uint32_t seed) {
  DecodedImage image = blank(width_px, height_px);
  std::uint32_t state = seed * 2654435761U + 12345U;
  const double turn = 0.37 * seed;
  for (int y = 0; y < height_px; ++y)
    for (int x = 0; x < width_px; ++x) {
      state = state * 1664525U + 1013904223U;
      const int noise = static_cast<int>(state >> 26);  // 0 … 63
      const double u = static_cast<double>(x) / width_px, v = static_cast<double>(y) / height_px;
      const bool block = (x / 9 + y / 7 + static_cast<int>(seed)) % 2 == 0;
      const bool disc = std::hypot(u - 0.6, v - 0.3) < 0.22;
      std::uint8_t* pixel = at(image, x, y);
      const double wave = 60 * std::sin(9 * u + 5 * v + turn);
      const double red = (disc ? 200 : 70) + wave + noise,
                   green = (block ? 150 : 50) + 60 * v + noise,
                   blue = 40 + 150 * u + (block == disc ? 30 : 0);
      pixel[0] = static_cast<std::uint8_t>(std::clamp(red, 0.0, 255.0));
      pixel[1] = static_cast<std::uint8_t>(std::clamp(green, 0.0, 255.0));
      pixel[2] = static_cast<std::uint8_t>(std::clamp(blue, 0.0, 255.0));
    }
  return image;
}

DecodedImage smooth_picture(int width_px, int height_px) {
  DecodedImage image = blank(width_px, height_px);
  for (int y = 0; y < height_px; ++y)
    for (int x = 0; x < width_px; ++x) {
      std::uint8_t* pixel = at(image, x, y);
      pixel[0] = static_cast<std::uint8_t>(255 * x / width_px);
      pixel[1] = static_cast<std::uint8_t>(255 * y / height_px);
      pixel[2] = static_cast<std::uint8_t>(128 * (x + y) / (width_px + height_px));
    }
  return image;
}

DecodedImage flat_picture(int width_px, int height_px, std::uint8_t red, std::uint8_t green,
                          std::uint8_t blue) {
  DecodedImage image = blank(width_px, height_px);
  for (int y = 0; y < height_px; ++y)
    for (int x = 0; x < width_px; ++x) {
      std::uint8_t* pixel = at(image, x, y);
      pixel[0] = red;
      pixel[1] = green;
      pixel[2] = blue;
    }
  return image;
}

DecodedImage shown_with_orientation(const DecodedImage& stored, int orientation) {
  const bool swap = orientation >= 5;
  const int width = swap ? stored.height_px : stored.width_px;
  const int height = swap ? stored.width_px : stored.height_px;
  DecodedImage shown = blank(width, height);
  const int right = width - 1, bottom = height - 1;
  for (int row = 0; row < stored.height_px; ++row)
    for (int column = 0; column < stored.width_px; ++column) {
      int x = column, y = row;
      switch (orientation) {
        case 2:  // row 0 is the top, column 0 the right side
          x = right - column;
          break;
        case 3:  // bottom, right
          x = right - column, y = bottom - row;
          break;
        case 4:  // bottom, left
          y = bottom - row;
          break;
        case 5:  // row 0 is the left side, column 0 the top
          x = row, y = column;
          break;
        case 6:  // right, top
          x = right - row, y = column;
          break;
        case 7:  // right, bottom
          x = right - row, y = bottom - column;
          break;
        case 8:  // left, bottom
          x = row, y = bottom - column;
          break;
        default:
          break;
      }
      const std::uint8_t* from =
          stored.pixels.data() +
          (static_cast<std::size_t>(row) * static_cast<std::size_t>(stored.width_px) +
           static_cast<std::size_t>(column)) *
              3;
      std::copy(from, from + 3, at(shown, x, y));
    }
  return shown;
}

Bytes exif_with_orientation(int orientation, bool big_endian) {
  const auto value = static_cast<std::uint8_t>(orientation);
  if (big_endian)
    return {'M', 'M', 0, 42, 0, 0, 0,     8, 0, 1, 0x01, 0x12, 0,
            3,   0,   0, 0,  1, 0, value, 0, 0, 0, 0,    0,    0};
  return {'I', 'I', 42, 0, 8, 0,     0, 0, 1, 0, 0x12, 0x01, 3,
          0,   1,   0,  0, 0, value, 0, 0, 0, 0, 0,    0,    0};
}

std::string xmp_with_orientation(int orientation, bool as_element) {
  const std::string value = std::to_string(orientation);
  return "<?xpacket begin=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description "
         "xmlns:tiff='http://ns.adobe.com/tiff/1.0/'" +
         (as_element ? "><tiff:Orientation>" + value + "</tiff:Orientation></rdf:Description>"
                     : " tiff:Orientation=\"" + value + "\"/>") +
         "</rdf:RDF></x:xmpmeta>";
}

std::vector<NamedBytes> heads_of_unsupported_formats() {
  const auto head = [](std::string name, std::string text) {
    text.resize(std::max<std::size_t>(text.size(), 200), '\0');
    return NamedBytes{std::move(name), Bytes(text.begin(), text.end())};
  };
  using namespace std::string_literals;
  return {head("JPEG 2000", "\0\0\0\x0CjP  \r\n\x87\n"s),
          head("JPEG XL", "\0\0\0\x0CJXL \r\n\x87\n"s),
          head("OpenEXR", "\x76\x2F\x31\x01"s),
          head("Radiance HDR", "#?RADIANCE\n"s),
          head("Photoshop PSD", "8BPS\0\x01"s),
          head("Netpbm", "P6\n4 4\n255\n"s),
          head("SVG", "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>"s),
          head("PDF", "%PDF-1.7\n"s)};
}

}  // namespace photoscribe::testing
