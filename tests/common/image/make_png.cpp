// PNG by hand: zlib streams of stored blocks need no zlib.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "tests/common/image/make_images.h"

namespace photoscribe::testing {
namespace {

void append_u32(Bytes& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t crc32(const Bytes& bytes, std::size_t from) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::size_t i = from; i < bytes.size(); ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

Bytes zlib_stored(const Bytes& raw) {
  constexpr std::size_t kBlock = 65535;
  Bytes out{0x78, 0x01};
  for (std::size_t at = 0; at == 0 || at < raw.size(); at += kBlock) {
    const std::size_t size = std::min(kBlock, raw.size() - at);
    out.push_back(at + size == raw.size() ? 1 : 0);
    for (const std::size_t value : {size, ~size}) {
      out.push_back(static_cast<std::uint8_t>(value));
      out.push_back(static_cast<std::uint8_t>(value >> 8));
    }
    out.insert(out.end(), raw.begin() + static_cast<std::ptrdiff_t>(at),
               raw.begin() + static_cast<std::ptrdiff_t>(at + size));
  }
  std::uint32_t low = 1, high = 0;
  for (const std::uint8_t byte : raw) {
    low = (low + byte) % 65521U;
    high = (high + low) % 65521U;
  }
  append_u32(out, high << 16 | low);
  return out;
}

int channels_of(PngColour colour) {
  switch (colour) {
    case PngColour::rgb:
      return 3;
    case PngColour::rgba:
      return 4;
    case PngColour::gray_alpha:
      return 2;
    default:
      return 1;
  }
}

// The palette: a cube of `levels` shades a channel.
int palette_levels(int bits) { return bits == 8 ? 6 : bits == 4 ? 2 : 1; }

// One sample of pixel x, y, in the range of `options.bits`.
std::uint32_t sample(const DecodedImage& rgb, const PngOptions& options, int x, int y,
                     int channel) {
  const std::uint8_t* pixel =
      rgb.pixels.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(rgb.width_px) +
                           static_cast<std::size_t>(x)) *
                              3;
  const auto deepen = [&](unsigned value) {
    return options.bits == 16 ? value * 256 + (value * 7 + 3 * static_cast<unsigned>(x)) % 256
                              : value >> (8 - options.bits);
  };
  const unsigned gray = (pixel[0] * 2U + pixel[1] * 5U + pixel[2]) / 8;
  const bool left = x < rgb.width_px / 2;
  const unsigned alpha = left ? options.alpha.value_or(255) : 255U;
  const unsigned deep_alpha = options.bits == 16 ? alpha * 257 : alpha;
  switch (options.colour) {
    case PngColour::rgb:
      return deepen(pixel[channel]);
    case PngColour::rgba:
      return channel == 3 ? deep_alpha : deepen(pixel[channel]);
    case PngColour::gray_alpha:
      return channel == 1 ? deep_alpha : deepen(gray);
    case PngColour::palette: {
      const auto levels = static_cast<unsigned>(palette_levels(options.bits));
      if (levels == 1) return gray > 110 ? 1 : 0;
      unsigned index = 0;
      for (int i = 0; i < 3; ++i) index = index * levels + pixel[i] * levels / 256;
      return index;
    }
    default:
      return deepen(gray);
  }
}

void append_pass(Bytes& raw, const DecodedImage& rgb, const PngOptions& options, int x0, int y0,
                 int dx, int dy) {
  if (x0 >= rgb.width_px) return;
  for (int y = y0; y < rgb.height_px; y += dy) {
    raw.push_back(0);  // no filter
    std::uint32_t bits = 0, filled = 0;
    for (int x = x0; x < rgb.width_px; x += dx)
      for (int channel = 0; channel < channels_of(options.colour); ++channel) {
        const std::uint32_t value = sample(rgb, options, x, y, channel);
        if (options.bits == 16) {
          raw.push_back(static_cast<std::uint8_t>(value >> 8));
          raw.push_back(static_cast<std::uint8_t>(value));
          continue;
        }
        bits = bits << options.bits | value;
        filled += static_cast<std::uint32_t>(options.bits);
        if (filled == 8) {
          raw.push_back(static_cast<std::uint8_t>(bits));
          bits = filled = 0;
        }
      }
    if (filled != 0) raw.push_back(static_cast<std::uint8_t>(bits << (8 - filled)));
  }
}

Bytes image_data(const DecodedImage& rgb, const PngOptions& options) {
  Bytes raw;
  if (options.interlaced) {
    constexpr std::array<std::array<int, 4>, 7> kAdam7{{{0, 0, 8, 8},
                                                        {4, 0, 8, 8},
                                                        {0, 4, 4, 8},
                                                        {2, 0, 4, 4},
                                                        {0, 2, 2, 4},
                                                        {1, 0, 2, 2},
                                                        {0, 1, 1, 2}}};
    for (const auto& [x, y, dx, dy] : kAdam7) append_pass(raw, rgb, options, x, y, dx, dy);
  } else {
    append_pass(raw, rgb, options, 0, 0, 1, 1);
  }
  return zlib_stored(raw);
}

Bytes header(std::uint32_t width, std::uint32_t height, int bits, int colour_type,
             bool interlaced) {
  Bytes body;
  append_u32(body, width);
  append_u32(body, height);
  body.push_back(static_cast<std::uint8_t>(bits));
  body.push_back(static_cast<std::uint8_t>(colour_type));
  body.insert(body.end(), {0, 0, static_cast<std::uint8_t>(interlaced ? 1 : 0)});
  return body;
}

Bytes palette_of(int bits) {
  const int levels = palette_levels(bits);
  if (levels == 1) return {20, 30, 40, 230, 220, 210};
  Bytes body;
  const auto shade = [levels](int level) {
    return static_cast<std::uint8_t>(level * 255 / (levels - 1));
  };
  for (int r = 0; r < levels; ++r)
    for (int g = 0; g < levels; ++g)
      for (int b = 0; b < levels; ++b) body.insert(body.end(), {shade(r), shade(g), shade(b)});
  return body;
}

Bytes frame_control(const DecodedImage& rgb, std::uint32_t sequence) {
  Bytes body;
  append_u32(body, sequence);
  append_u32(body, static_cast<std::uint32_t>(rgb.width_px));
  append_u32(body, static_cast<std::uint32_t>(rgb.height_px));
  append_u32(body, 0);
  append_u32(body, 0);
  body.insert(body.end(), {0, 1, 0, 10, 0, 0});
  return body;
}

constexpr std::array<std::uint8_t, 8> kSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

}  // namespace

Bytes png_chunk(std::string_view type, const Bytes& body) {
  Bytes chunk;
  chunk.reserve(body.size() + 12);
  append_u32(chunk, static_cast<std::uint32_t>(body.size()));
  chunk.insert(chunk.end(), type.begin(), type.end());
  chunk.insert(chunk.end(), body.begin(), body.end());
  append_u32(chunk, crc32(chunk, 4));
  return chunk;
}

Bytes encode_png(const DecodedImage& rgb, const PngOptions& options) {
  constexpr std::array<int, 5> kColourTypes{0, 2, 3, 4, 6};
  Bytes png(kSignature.begin(), kSignature.end());
  const auto append = [&png](std::string_view type, const Bytes& body) {
    const Bytes chunk = png_chunk(type, body);
    png.insert(png.end(), chunk.begin(), chunk.end());
  };
  append("IHDR",
         header(static_cast<std::uint32_t>(rgb.width_px), static_cast<std::uint32_t>(rgb.height_px),
                options.bits, kColourTypes[static_cast<std::size_t>(options.colour)],
                options.interlaced));
  if (options.gamma) {
    Bytes body;
    append_u32(body, *options.gamma);
    append("gAMA", body);
  }
  if (options.colour == PngColour::palette) append("PLTE", palette_of(options.bits));
  if (options.palette_transparency) append("tRNS", {0});
  if (!options.xmp.empty()) {
    const std::string text = std::string("XML:com.adobe.xmp") + std::string(5, '\0') + options.xmp;
    append("iTXt", Bytes(text.begin(), text.end()));
  }
  if (options.orientation) append("eXIf", exif_with_orientation(*options.orientation, true));
  append("tEXt", {'T', 'i', 't', 'l', 'e', 0, 'x'});
  if (options.animated) {
    append("acTL", {0, 0, 0, 2, 0, 0, 0, 0});
    append("fcTL", frame_control(rgb, 0));
  }
  append("IDAT", image_data(rgb, options));
  if (options.animated) {
    append("fcTL", frame_control(rgb, 1));
    Bytes second{0, 0, 0, 2};
    const Bytes data = image_data(flat_picture(rgb.width_px, rgb.height_px, 1, 2, 3), options);
    second.insert(second.end(), data.begin(), data.end());
    append("fdAT", second);
  }
  append("IEND", {});
  return png;
}

Bytes png_bomb(std::uint32_t width_px, std::uint32_t height_px) {
  Bytes png(kSignature.begin(), kSignature.end());
  for (const Bytes& chunk : {png_chunk("IHDR", header(width_px, height_px, 1, 0, false)),
                             png_chunk("IDAT", zlib_stored(Bytes(512, 0))), png_chunk("IEND", {})})
    png.insert(png.end(), chunk.begin(), chunk.end());
  return png;
}

}  // namespace photoscribe::testing
