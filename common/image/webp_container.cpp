// WebP: the RIFF chunks; an animation's first frame becomes a file of its own.
#include <algorithm>
#include <string_view>

#include "common/image/byte_reader.h"
#include "common/image/container.h"
#include "common/image/exif.h"

namespace photoscribe::image {
namespace {

constexpr std::size_t kRiffHead = 12, kChunkHead = 8;
constexpr std::uint8_t kHasAlpha = 0x10;

tl::unexpected<DecodeFailure> cut(std::string detail) {
  return refuse(Reason::truncated, "WebP: " + std::move(detail));
}

struct Chunk {
  std::string_view type;
  std::size_t at = 0, body = 0, length = 0;
  [[nodiscard]] std::size_t next() const noexcept { return body + length + (length & 1U); }
};

Chunk chunk_at(const ByteReader& reader, std::size_t at) noexcept {
  const auto type = reader.part(at, 4);
  return {{reinterpret_cast<const char*>(type.data()), type.size()},
          at,
          at + kChunkHead,
          reader.u32(at + 4)};
}

void append_u32(std::vector<std::uint8_t>& to, std::size_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift));
}
void append_text(std::vector<std::uint8_t>& to, std::string_view text) {
  to.insert(to.end(), text.begin(), text.end());
}
void append_u24(std::vector<std::uint8_t>& to, std::uint32_t value) {
  for (int shift = 0; shift < 24; shift += 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift));
}

// A picture chunk's own size: VP8's frame head or VP8L's.
Size bitstream_size(const ByteReader& reader, const Chunk& chunk) noexcept {
  if (chunk.type == "VP8 ")
    return {reader.u16(chunk.body + 6) & 0x3FFF, reader.u16(chunk.body + 8) & 0x3FFF};
  const std::uint32_t bits = reader.u32(chunk.body + 1);
  return {static_cast<int>(bits & 0x3FFFU) + 1, static_cast<int>(bits >> 14 & 0x3FFFU) + 1};
}

bool lossless_has_alpha(const ByteReader& reader, const Chunk& chunk) noexcept {
  return (reader.u32(chunk.body + 1) >> 28 & 1U) != 0;
}

// Frame `frame` (an ANMF chunk) as a WebP of its own.
Decoded<void> take_frame(const ByteReader& reader, const Chunk& frame, Container& webp,
                         const DecodeLimits& limits) {
  constexpr std::size_t kFrameHead = 16;
  if (frame.length < kFrameHead) return cut("a frame without a head");
  webp.frame_left_px = static_cast<int>(2 * reader.u24(frame.body));
  webp.frame_top_px = static_cast<int>(2 * reader.u24(frame.body + 3));
  const std::uint32_t width = reader.u24(frame.body + 6), height = reader.u24(frame.body + 9);
  if (auto fits = check_size("WebP", width + 1, height + 1, limits); !fits) return fits;
  const std::size_t end = frame.body + frame.length;
  std::vector<std::uint8_t> chunks;
  bool picture = false;
  for (std::size_t at = frame.body + kFrameHead; at + kChunkHead <= end && !picture;) {
    const Chunk chunk = chunk_at(reader, at);
    if (chunk.body + chunk.length > end) return cut("the data end inside a frame");
    picture = chunk.type == "VP8 " || chunk.type == "VP8L";
    if (picture || chunk.type == "ALPH") {
      const auto part = reader.part(chunk.at, chunk.next() - chunk.at);
      chunks.insert(chunks.end(), part.begin(), part.end());
      webp.alpha |= chunk.type == "ALPH" || lossless_has_alpha(reader, chunk);
    }
    at = chunk.next();
  }
  if (!picture) return cut("a frame without a picture");
  append_text(webp.rewritten, "RIFF");
  append_u32(webp.rewritten, 4 + kChunkHead + 10 + chunks.size());
  append_text(webp.rewritten, "WEBPVP8X");
  append_u32(webp.rewritten, 10);
  append_u32(webp.rewritten, webp.alpha ? kHasAlpha : 0U);
  append_u24(webp.rewritten, width);
  append_u24(webp.rewritten, height);
  webp.rewritten.insert(webp.rewritten.end(), chunks.begin(), chunks.end());
  return {};
}

int orientation_of(const ByteReader& reader, const Chunk& chunk) noexcept {
  auto exif = reader.part(chunk.body, chunk.length);
  constexpr std::string_view kPrefix("Exif\0\0", 6);  // not in the standard, but written
  if (reader.matches(chunk.body, kPrefix) && exif.size() >= kPrefix.size())
    exif = exif.subspan(kPrefix.size());
  return exif_orientation(exif);
}

}  // namespace

Decoded<Container> check_webp(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) {
  constexpr std::uint8_t kAnimated = 0x02;
  const ByteReader reader(bytes, ByteOrder::little);
  const std::size_t end = std::size_t{reader.u32(4)} + 8;
  if (end > bytes.size()) return cut("the data end before the length in its head");
  Container webp;
  bool animated = false, picture = false;
  for (std::size_t at = kRiffHead; at + kChunkHead <= end;) {
    const Chunk chunk = chunk_at(reader, at);
    if (chunk.body + chunk.length > end)
      return cut("the data end inside chunk " + std::string(chunk.type));
    if (chunk.type == "VP8X") {
      animated = (reader.u8(chunk.body) & kAnimated) != 0;
      webp.alpha = (reader.u8(chunk.body) & kHasAlpha) != 0;
      webp.size = {static_cast<int>(reader.u24(chunk.body + 4)) + 1,
                   static_cast<int>(reader.u24(chunk.body + 7)) + 1};
      if (auto fits = check_size("WebP", webp.size.width_px, webp.size.height_px, limits); !fits)
        return refuse(fits.error());
    } else if (!picture && !animated && (chunk.type == "VP8 " || chunk.type == "VP8L")) {
      picture = true;
      webp.size = bitstream_size(reader, chunk);
      webp.alpha |= chunk.type == "VP8L" && lossless_has_alpha(reader, chunk);
    } else if (!picture && animated && chunk.type == "ANMF") {
      picture = true;
      webp.alpha = false;  // this frame's own
      if (auto frame = take_frame(reader, chunk, webp, limits); !frame)
        return refuse(frame.error());
    } else if (chunk.type == "EXIF") {
      webp.orientation = orientation_of(reader, chunk);
    }
    at = chunk.next();
  }
  if (!picture) return cut("no picture in it");
  if (auto fits = check_size("WebP", webp.size.width_px, webp.size.height_px, limits); !fits)
    return refuse(fits.error());
  return webp;
}

}  // namespace photoscribe::image
