// BMP: the head, and whether the rows that it promises are there.
#include <cstdlib>

#include "common/image/byte_reader.h"
#include "common/image/container.h"

namespace photoscribe::image {

Decoded<Container> check_bmp(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) {
  constexpr std::uint32_t kRgb = 0, kRle8 = 1, kRle4 = 2, kBitfields = 3, kAlphaBitfields = 6;
  constexpr std::size_t kFileHead = 14, kOs2Head = 12, kWindowsHead = 40;
  const ByteReader reader(bytes, ByteOrder::little);
  const std::size_t head_bytes = reader.u32(kFileHead);
  if (!reader.has(kFileHead, kOs2Head) || !reader.has(kFileHead, head_bytes))
    return refuse(Reason::truncated, "BMP: the data end inside the head");
  const bool os2 = head_bytes == kOs2Head;
  if (!os2 && head_bytes < kWindowsHead)
    return refuse(Reason::unsupported, "BMP: a head of OS/2 2.x");

  const auto side = [&](std::size_t at) {
    return std::int64_t{static_cast<std::int32_t>(reader.u32(at))};
  };
  const std::int64_t width = os2 ? reader.u16(18) : side(18);
  const std::int64_t height = os2 ? reader.u16(20) : std::abs(side(22));  // negative: top down
  const int bits = os2 ? reader.u16(24) : reader.u16(28);
  const std::uint32_t compression = os2 ? kRgb : reader.u32(30);
  if (auto fits = check_size("BMP", width, height, limits); !fits) return refuse(fits.error());

  const bool plain = compression == kRgb && (bits == 1 || bits == 4 || bits == 8 || bits == 16 ||
                                             bits == 24 || bits == 32);
  const bool run_length =
      (compression == kRle8 && bits == 8) || (compression == kRle4 && bits == 4);
  const bool fields =
      (compression == kBitfields || compression == kAlphaBitfields) && (bits == 16 || bits == 32);
  if (!plain && !run_length && !fields)
    return refuse(Reason::unsupported, "BMP: compression " + std::to_string(compression) +
                                           " with " + std::to_string(bits) + " bits per pixel");
  if (!os2 && bits <= 8 && reader.u32(46) > 256)
    return refuse(Reason::truncated, "BMP: a palette of " + std::to_string(reader.u32(46)));
  const std::int64_t row_bytes = (width * bits + 31) / 32 * 4;
  const std::int64_t offset = reader.u32(10);
  const std::int64_t needed = run_length ? 1 : row_bytes * height;
  if (offset + needed > static_cast<std::int64_t>(bytes.size()))
    return refuse(Reason::truncated, "BMP: " + std::to_string(bytes.size()) + " bytes of " +
                                         std::to_string(offset + needed));
  Container bmp;
  bmp.size = {static_cast<int>(width), static_cast<int>(height)};
  return bmp;
}

}  // namespace photoscribe::image
