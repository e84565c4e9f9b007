// BMP by hand: head, palette, and rows as they lie in the file or run-length coded.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/image/byte_reader.h"
#include "common/image/raster.h"

namespace photoscribe::image {
namespace {

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
};

struct Head {
  enum class Coding { plain, rle8, rle4 };
  Size size;
  bool top_down = false;
  int bits = 0;  // 15 is 16 bits of 5, 5 and 5
  Coding coding = Coding::plain;
  std::size_t pixels = 0;             // offset
  std::array<Colour, 256> colours{};  // what is not in the file is black
};

tl::unexpected<DecodeFailure> cut(std::string detail) {
  return refuse(Reason::truncated, "BMP: " + std::move(detail));
}

constexpr std::size_t kFileHead = 14, kOs2Head = 12, kWindowsHead = 40;

Decoded<void> read_coding(const ByteReader& reader, Head& head) {
  constexpr std::uint32_t kRgb = 0, kRle8 = 1, kRle4 = 2, kBitfields = 3, kAlphaBitfields = 6;
  constexpr std::size_t kMasks = kFileHead + kWindowsHead;  // in a longer head, or behind it
  const bool os2 = reader.u32(kFileHead) == kOs2Head;
  const std::uint32_t compression = os2 ? kRgb : reader.u32(30);
  const int bits = head.bits;
  const bool fields = compression == kBitfields || compression == kAlphaBitfields;
  const auto masks = std::array{reader.u32(kMasks), reader.u32(kMasks + 4), reader.u32(kMasks + 8)};
  if (compression == kRle8 && bits == 8) {
    head.coding = Head::Coding::rle8;
  } else if (compression == kRle4 && bits == 4) {
    head.coding = Head::Coding::rle4;
  } else if ((fields && bits == 16 && masks == std::array{0x7C00U, 0x3E0U, 0x1FU}) ||
             (compression == kRgb && bits == 16)) {
    head.bits = 15;
  } else if (!(fields && bits == 16 && masks == std::array{0xF800U, 0x7E0U, 0x1FU}) &&
             !(fields && bits == 32) &&
             !(compression == kRgb &&
               (bits == 1 || bits == 4 || bits == 8 || bits == 24 || bits == 32))) {
    return refuse(Reason::unsupported, "BMP: compression " + std::to_string(compression) +
                                           " with " + std::to_string(bits) + " bits per pixel");
  }
  return {};
}

// `end` moves behind the palette, or the masks, that follow the head.
Decoded<void> read_palette(const ByteReader& reader, Head& head, std::size_t& end) {
  const bool os2 = reader.u32(kFileHead) == kOs2Head;
  if (head.bits > 8) {
    if (!os2 && reader.u32(kFileHead) == kWindowsHead && (reader.u32(30) == 3)) end += 12;
    return {};
  }
  const std::uint32_t used = os2 ? 0 : reader.u32(46);
  if (used > 256) return cut("a palette of " + std::to_string(used));
  const std::size_t count = used == 0 ? std::size_t{1} << head.bits : used;
  const std::size_t entry = os2 ? 3 : 4;
  if (!reader.has(end, count * entry)) return cut("the data end inside the palette");
  for (std::size_t i = 0; i < count; ++i, end += entry)
    head.colours[i] = {reader.u8(end + 2), reader.u8(end + 1), reader.u8(end)};
  return {};
}

Decoded<Head> read_head(const ByteReader& reader, const DecodeLimits& limits) {
  const std::size_t head_bytes = reader.u32(kFileHead);
  if (!reader.has(kFileHead, kOs2Head) || !reader.has(kFileHead, head_bytes))
    return cut("the data end inside the header");
  const bool os2 = head_bytes == kOs2Head;
  if (!os2 && head_bytes < kWindowsHead)
    return refuse(Reason::unsupported, "BMP: a header of OS/2 2.x is not supported");
  const auto side = [&](std::size_t at) {
    return std::int64_t{static_cast<std::int32_t>(reader.u32(at))};
  };
  const std::int64_t width = os2 ? reader.u16(18) : side(18);
  const std::int64_t height = os2 ? reader.u16(20) : side(22);
  if (auto fits = check_size("BMP", width, std::abs(height), limits); !fits)
    return refuse(fits.error());
  Head head;
  head.size = {static_cast<int>(width), static_cast<int>(std::abs(height))};
  head.top_down = height < 0;
  head.bits = os2 ? reader.u16(24) : reader.u16(28);
  if (auto known = read_coding(reader, head); !known) return refuse(known.error());
  std::size_t end = kFileHead + head_bytes;
  if (auto palette = read_palette(reader, head, end); !palette) return refuse(palette.error());
  head.pixels = reader.u32(10);
  if (head.pixels < kFileHead + head_bytes) head.pixels = end;  // left at 0, or wrong
  return head;
}

class Painter {
 public:
  Painter(const Head& head, Pixels wanted)
      : head_(head), raster_(make_raster(head.size, wanted == Pixels::gray ? 1 : 3)) {}

  /// `row` counts as the file does: from the bottom unless top_down.
  void put(int x, int row, Colour colour) noexcept {
    const int y = head_.top_down ? row : head_.size.height_px - 1 - row;
    std::uint8_t* to = raster_.row(y) + x * raster_.channels;
    if (raster_.channels == 1) {
      *to = decoders_gray(colour.red, colour.green, colour.blue);
    } else {
      to[0] = colour.red;
      to[1] = colour.green;
      to[2] = colour.blue;
    }
  }
  Raster take() noexcept {
    raster_.gray_of = GrayOf::decoders;
    return std::move(raster_);
  }

 private:
  const Head& head_;
  Raster raster_;
};

Colour colour_at(const ByteReader& reader, const Head& head, std::size_t row, int x) noexcept {
  const auto column = static_cast<std::size_t>(x);
  switch (head.bits) {
    case 1:
      return head.colours[reader.u8(row + column / 8) >> (7 - column % 8) & 1U];
    case 4:
      return head.colours[reader.u8(row + column / 2) >> (column % 2 == 0 ? 4 : 0) & 15U];
    case 8:
      return head.colours[reader.u8(row + column)];
    case 15: {
      const unsigned value = reader.u16(row + 2 * column);
      return {static_cast<std::uint8_t>(value >> 7 & 0xF8U),
              static_cast<std::uint8_t>(value >> 2 & 0xF8U),
              static_cast<std::uint8_t>(value << 3 & 0xF8U)};
    }
    case 16: {
      const unsigned value = reader.u16(row + 2 * column);
      return {static_cast<std::uint8_t>(value >> 8 & 0xF8U),
              static_cast<std::uint8_t>(value >> 3 & 0xFCU),
              static_cast<std::uint8_t>(value << 3 & 0xF8U)};
    }
    default: {
      const std::size_t at = row + column * (head.bits == 24 ? 3 : 4);
      return {reader.u8(at + 2), reader.u8(at + 1), reader.u8(at)};
    }
  }
}

Decoded<void> paint_plain(const ByteReader& reader, const Head& head, Painter& painter) {
  const std::uint64_t bits = head.bits == 15 ? 16 : static_cast<std::uint64_t>(head.bits);
  const auto width = static_cast<std::uint64_t>(head.size.width_px);
  const auto rows = static_cast<std::uint64_t>(head.size.height_px);
  const std::uint64_t stride = (width * bits + 31) / 32 * 4;
  const std::uint64_t needed = stride * (rows - 1) + (width * bits + 7) / 8;  // the last unpadded
  if (head.pixels > reader.size() || needed > reader.size() - head.pixels)
    return cut(std::to_string(reader.size()) + " bytes of " + std::to_string(head.pixels + needed));
  for (int row = 0; row < head.size.height_px; ++row)
    for (int x = 0; x < head.size.width_px; ++x)
      painter.put(
          x, row,
          colour_at(reader, head,
                    head.pixels + static_cast<std::size_t>(stride) * static_cast<std::size_t>(row),
                    x));
  return {};
}

// Runs and literal stretches from the bottom row up. What the codes jump over is colour 0.
Decoded<void> paint_runs(const ByteReader& reader, const Head& head, Painter& painter) {
  constexpr int kEndOfRow = 0, kEndOfPicture = 1, kJump = 2;
  const bool nibbles = head.coding == Head::Coding::rle4;
  for (int row = 0; row < head.size.height_px; ++row)
    for (int x = 0; x < head.size.width_px; ++x) painter.put(x, row, head.colours[0]);
  int x = 0, row = 0;
  std::size_t at = head.pixels;
  const auto index = [&](std::size_t from, int i) {  // of a stretch's i-th pixel
    if (!nibbles) return reader.u8(from + static_cast<std::size_t>(i));
    return static_cast<std::uint8_t>(
        reader.u8(from + static_cast<std::size_t>(i / 2)) >> (i % 2 == 0 ? 4 : 0) & 15U);
  };
  const auto full = [&] {
    return row >= head.size.height_px ||
           (row == head.size.height_px - 1 && x == head.size.width_px);
  };
  while (!full()) {
    if (!reader.has(at, 2)) return cut("the data end inside the picture");
    const int count = reader.u8(at), code = reader.u8(at + 1);
    at += 2;
    if (count == 0 && code == kEndOfPicture) break;
    if (count == 0 && code == kEndOfRow) {
      x = 0;
      ++row;
      continue;
    }
    if (count == 0 && code == kJump) {
      if (!reader.has(at, 2)) return cut("the data end inside the picture");
      x += reader.u8(at);
      row += reader.u8(at + 1);
      at += 2;
      if (x > head.size.width_px) return cut("a jump out of the row");
      continue;
    }
    if (x == head.size.width_px) {  // a writer that leaves the ends of full rows out
      x = 0;
      ++row;
    }
    const int pixels = count > 0 ? count : code;
    if (x + pixels > head.size.width_px) return cut("a run that leaves its row");
    const auto literal_bytes = static_cast<std::size_t>(nibbles ? (code + 1) / 2 : code);
    if (count == 0 && !reader.has(at, literal_bytes)) return cut("the data end inside a run");
    for (int i = 0; i < pixels; ++i, ++x)
      painter.put(
          x, row,
          head.colours[count == 0 ? index(at, i)
                       : !nibbles ? static_cast<std::uint8_t>(code)
                                  : static_cast<std::uint8_t>(i % 2 == 0 ? code >> 4 : code & 15)]);
    if (count == 0) at += literal_bytes + literal_bytes % 2;
  }
  return {};
}

}  // namespace

Decoded<Raster> read_bmp(std::span<const std::uint8_t> bytes, Pixels wanted,
                         const DecodeLimits& limits) {
  const ByteReader reader(bytes, ByteOrder::little);
  const auto head = read_head(reader, limits);
  if (!head) return refuse(head.error());
  if (head->coding == Head::Coding::plain) {  // before memory is taken
    const auto least = static_cast<std::uint64_t>(head->size.width_px) *
                       static_cast<std::uint64_t>(head->size.height_px) / 8;
    if (least > reader.size())
      return cut(std::to_string(reader.size()) + " bytes of " + std::to_string(least) +
                 " and more");
  }
  Painter painter(*head, wanted);
  const auto painted = head->coding == Head::Coding::plain ? paint_plain(reader, *head, painter)
                                                           : paint_runs(reader, *head, painter);
  if (!painted) return refuse(painted.error());
  return painter.take();
}

}  // namespace photoscribe::image
