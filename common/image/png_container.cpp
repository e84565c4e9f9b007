// PNG: a walk over the chunks, with their checksums, up to IEND.
#include <array>
#include <cstring>
#include <string_view>

#include "common/image/byte_reader.h"
#include "common/image/container.h"
#include "common/image/exif.h"

namespace photoscribe::image {
namespace {

// CRC-32 (ISO 3309), eight bytes a step.
constexpr std::size_t kSlices = 8;
using CrcTables = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
    tables[0][i] = value;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice)
    for (std::size_t i = 0; i < 256; ++i)
      tables[slice][i] = tables[slice - 1][i] >> 8 ^ tables[0][tables[slice - 1][i] & 0xFFU];
  return tables;
}
constexpr CrcTables kCrc = make_crc_tables();

std::uint32_t crc32(std::span<const std::uint8_t> bytes) noexcept {
  std::uint32_t crc = 0xFFFFFFFFU;
  std::size_t i = 0;
  for (; i + kSlices <= bytes.size(); i += kSlices) {
    std::uint32_t next = 0;
    for (std::size_t k = 0; k < kSlices; ++k) {
      const std::uint32_t mixed = k < 4 ? bytes[i + k] ^ (crc >> (8 * k) & 0xFFU) : bytes[i + k];
      next ^= kCrc[kSlices - 1 - k][mixed];
    }
    crc = next;
  }
  for (; i < bytes.size(); ++i) crc = crc >> 8 ^ kCrc[0][(crc ^ bytes[i]) & 0xFFU];
  return ~crc;
}

// Ancillary chunks that move pixels of OpenCV's decode (gray weighs by the file's gamma); the
// others only make libpng talk.
bool is_kept(std::string_view type) noexcept {
  for (const std::string_view kept : {"tRNS", "gAMA", "sRGB", "iCCP", "cHRM", "cICP", "sBIT"})
    if (type == kept) return true;
  return false;
}

tl::unexpected<DecodeFailure> cut(std::string detail) {
  return refuse(Reason::truncated, "PNG: " + std::move(detail));
}

Decoded<void> read_header(const ByteReader& reader, std::size_t body, Container& png,
                          const DecodeLimits& limits) {
  const std::uint32_t width = reader.u32(body), height = reader.u32(body + 4);
  if (auto fits = check_size("PNG", width, height, limits); !fits) return fits;
  if (width > 0x7FFFFFFFU || height > 0x7FFFFFFFU) return cut("a side over 2^31");
  png.size = {static_cast<int>(width), static_cast<int>(height)};
  const int colour_type = reader.u8(body + 9);
  png.alpha = colour_type == 4 || colour_type == 6;
  return {};
}

}  // namespace

Decoded<Container> check_png(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) {
  constexpr std::size_t kSignature = 8, kHead = 8, kCrcBytes = 4;
  const ByteReader reader(bytes, ByteOrder::big);
  Container png;
  std::vector<std::span<const std::uint8_t>> kept;  // chunks
  bool first = true, data = false, dropped = false;
  for (std::size_t at = kSignature;;) {
    if (!reader.has(at, kHead)) return cut("the data end before IEND");
    const std::size_t length = reader.u32(at), body = at + kHead;
    const std::string_view type(reinterpret_cast<const char*>(bytes.data() + at + 4), 4);
    if (first && (type != "IHDR" || length != 13)) return cut("no IHDR at the start");
    if (first && reader.has(body, length))  // the cap comes before anything that costs
      if (auto header = read_header(reader, body, png, limits); !header)
        return refuse(header.error());
    first = false;
    if (!reader.has(body, length + kCrcBytes))
      return cut("the data end inside chunk " + std::string(type));
    const bool critical = (type[0] & 0x20) == 0;
    if (critical || is_kept(type)) {
      const bool intact = crc32(bytes.subspan(at + 4, 4 + length)) == reader.u32(body + length);
      if (!intact && critical) return cut("wrong checksum of chunk " + std::string(type));
      if (intact) kept.push_back(bytes.subspan(at, kHead + length + kCrcBytes));
      dropped |= !intact;
    } else {
      dropped = true;
      if (type == "eXIf") png.orientation = exif_orientation(reader.part(body, length));
    }
    if (type == "tRNS") png.alpha = true;
    if (type == "IDAT") data = true;
    if (type == "IEND") break;
    at = body + length + kCrcBytes;
  }
  if (!data) return cut("no picture in it");
  if (dropped) {
    png.rewritten.assign(bytes.begin(), bytes.begin() + kSignature);
    for (const auto chunk : kept)
      png.rewritten.insert(png.rewritten.end(), chunk.begin(), chunk.end());
  }
  return png;
}

}  // namespace photoscribe::image
