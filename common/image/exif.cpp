#include "common/image/exif.h"

#include <algorithm>
#include <cstddef>

#include "common/image/byte_reader.h"

namespace photoscribe::image {

int exif_orientation(std::span<const std::uint8_t> tiff) noexcept {
  constexpr int kUpright = 1;
  constexpr std::uint16_t kOrientationTag = 0x0112, kShort = 3, kLong = 4;
  const auto reader = tiff_reader(tiff);
  if (!reader) return kUpright;
  const std::size_t directory = reader->u32(4);
  const std::size_t count = reader->u16(directory);  // 0 past the end
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + i * 12;
    if (!reader->has(entry, 12)) break;
    if (reader->u16(entry) != kOrientationTag) continue;
    const std::uint16_t type = reader->u16(entry + 2);
    if (type != kShort && type != kLong) return kUpright;
    const std::uint32_t value = type == kShort ? reader->u16(entry + 8) : reader->u32(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : kUpright;
  }
  return kUpright;
}

}  // namespace photoscribe::image
