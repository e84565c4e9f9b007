#include "common/image/exif.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "common/image/byte_reader.h"

namespace photoscribe::image {

std::optional<int> exif_orientation(std::span<const std::uint8_t> exif) noexcept {
  constexpr std::uint16_t kOrientationTag = 0x0112, kShort = 3, kLong = 4;
  constexpr std::string_view kPrefix("Exif\0\0", 6);
  if (ByteReader(exif, ByteOrder::big).matches(0, kPrefix)) exif = exif.subspan(kPrefix.size());
  const auto reader = tiff_reader(exif);
  if (!reader) return std::nullopt;
  const std::size_t directory = reader->u32(4);
  const std::size_t count = reader->u16(directory);  // 0 past the end
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + i * 12;
    if (!reader->has(entry, 12)) break;
    if (reader->u16(entry) != kOrientationTag) continue;
    const std::uint16_t type = reader->u16(entry + 2);
    if (type != kShort && type != kLong) return std::nullopt;
    const std::uint32_t value = type == kShort ? reader->u16(entry + 8) : reader->u32(entry + 8);
    if (value < 1 || value > 8) return std::nullopt;
    return static_cast<int>(value);
  }
  return std::nullopt;
}

std::optional<int> xmp_orientation(std::span<const std::uint8_t> xmp) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(xmp.data()), xmp.size());
  constexpr std::string_view kName = "tiff:Orientation";
  const auto name = text.find(kName);
  if (name == std::string_view::npos) return std::nullopt;
  // ="6", ='6' or >6<, with white space where XML allows it
  const auto value = text.find_first_not_of(" \t\r\n=\"'>", name + kName.size());
  if (value == std::string_view::npos || text[value] < '1' || text[value] > '8')
    return std::nullopt;
  const char after = value + 1 < text.size() ? text[value + 1] : ' ';
  if (after >= '0' && after <= '9') return std::nullopt;
  return text[value] - '0';
}

}  // namespace photoscribe::image
