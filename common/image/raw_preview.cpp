#include "common/image/raw_preview.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/image/byte_reader.h"
#include "common/image/exif.h"

namespace photoscribe::image {
namespace {

using Bytes = std::span<const std::uint8_t>;

// Pixels of the JPEG that begins at `at`; 0 when none does, or one that a camera stores its raw
// data in (lossless, or of more than 8 bits).
std::int64_t jpeg_pixels(const ByteReader& reader, std::size_t at) noexcept {
  constexpr int kSegmentsMax = 200;
  std::int64_t pixels = 0;
  at += 2;
  for (int i = 0; i < kSegmentsMax && reader.u8(at) == 0xFF && reader.has(at, 4); ++i) {
    const std::uint8_t marker = reader.u8(at + 1);
    const std::size_t length = reader.u16(at + 2);
    if (marker == 0xDA) return pixels;  // the data begin
    const bool segment =
        (marker >= 0xC0 && marker <= 0xCF) || (marker >= 0xDB && marker <= 0xEF) || marker == 0xFE;
    if (!segment || length < 2) return 0;
    const bool frame =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) {
      const bool lossy = (marker >= 0xC0 && marker <= 0xC2) || marker == 0xC9 || marker == 0xCA;
      if (!lossy || reader.u8(at + 4) != 8) return 0;
      pixels = std::int64_t{reader.u16(at + 5)} * reader.u16(at + 7);
    }
    at += 2 + length;
  }
  return 0;
}

// What a cut file lacks shows in its directories: a preview that they place beyond its end.
class Directories {
 public:
  explicit Directories(const ByteReader& reader) : reader_(reader) {}

  void visit(std::size_t at) {
    constexpr std::size_t kDirectoriesMax = 64;
    while (at != 0 && seen_.size() < kDirectoriesMax &&
           std::find(seen_.begin(), seen_.end(), at) == seen_.end()) {
      seen_.push_back(at);
      const std::size_t count = reader_.u16(at);
      if (!reader_.has(at, 2 + 12 * count)) {
        cut_ = true;
        return;
      }
      visit_entries(at + 2, count);
      at = reader_.u32(at + 2 + 12 * count);
    }
  }
  [[nodiscard]] bool cut() const noexcept { return cut_; }
  [[nodiscard]] int orientation() const noexcept { return orientation_; }

 private:
  void visit_entries(std::size_t at, std::size_t count) {
    constexpr std::uint16_t kCompression = 259, kStripOffsets = 273, kOrientation = 274,
                            kStripBytes = 279, kSubDirectories = 330, kJpegOffset = 513,
                            kJpegBytes = 514, kJpegFromRaw = 0x2E, kExif = 34665;
    std::uint32_t compression = 0;
    std::array<std::uint32_t, 2> strip{}, jpeg{};  // offset and size
    for (std::size_t i = 0; i < count; ++i, at += 12) {
      const std::uint16_t tag = reader_.u16(at), type = reader_.u16(at + 2);
      const std::uint32_t values = reader_.u32(at + 4);
      const std::uint32_t value = type == 3 ? reader_.u16(at + 8) : reader_.u32(at + 8);
      if (tag == kCompression) compression = value;
      if (tag == kStripOffsets && values == 1) strip[0] = value;
      if (tag == kStripBytes && values == 1) strip[1] = value;
      if (tag == kJpegOffset) jpeg[0] = value;
      if (tag == kJpegBytes) jpeg[1] = value;
      if (tag == kJpegFromRaw && type == 7) require(value, values);
      if (tag == kOrientation && seen_.size() == 1 && value >= 1 && value <= 8)
        orientation_ = static_cast<int>(value);
      if (tag == kExif) visit(value);
      if (tag == kSubDirectories && values == 1) visit(value);
      if (tag == kSubDirectories && values > 1 && values <= 16)
        for (std::uint32_t k = 0; k < values; ++k) visit(reader_.u32(value + 4 * k));
    }
    if (compression == 6 || compression == 7) require(strip[0], strip[1]);
    require(jpeg[0], jpeg[1]);
  }
  void require(std::size_t at, std::size_t size) noexcept { cut_ |= !reader_.has(at, size); }

  ByteReader reader_;
  std::vector<std::size_t> seen_;
  int orientation_ = kUpright;
  bool cut_ = false;
};

struct Container {
  bool cut = false;
  int orientation = kUpright;
};

Container look_at_tiff(Bytes bytes) {
  const auto reader = tiff_reader(bytes);
  if (!reader) return {};
  Directories directories(*reader);
  directories.visit(reader->u32(4));
  return {directories.cut(), directories.orientation()};
}

Container look_at_raf(Bytes bytes) {
  constexpr std::size_t kJpegOffset = 84, kJpegBytes = 88;
  const ByteReader reader(bytes, ByteOrder::big);
  return {!reader.has(reader.u32(kJpegOffset), reader.u32(kJpegBytes)), kUpright};
}

// Boxes of ISO media files; a directory as TIFF has it lies in CMT1.
Container look_at_boxes(Bytes bytes) {
  const ByteReader reader(bytes, ByteOrder::big);
  Container container;
  std::size_t at = 0;
  while (reader.has(at, 16)) {
    const std::uint64_t size = reader.u32(at) == 1 ? reader.u64(at + 8) : reader.u32(at);
    if (size < 8) break;  // 0: to the end of the file
    if (size > bytes.size() - at) {
      container.cut = true;
      break;
    }
    at += static_cast<std::size_t>(size);
  }
  constexpr std::string_view kName = "CMT1";
  const auto cmt = std::search(bytes.begin(), bytes.end(), kName.begin(), kName.end());
  if (cmt != bytes.end())
    container.orientation =
        exif_orientation(
            bytes.subspan(static_cast<std::size_t>(cmt - bytes.begin()) + kName.size()))
            .value_or(kUpright);
  return container;
}

Container look_at(Bytes bytes) {
  const ByteReader reader(bytes, ByteOrder::big);
  if (reader.matches(0, "FUJIFILM")) return look_at_raf(bytes);
  if (reader.matches(4, "ftyp")) return look_at_boxes(bytes);
  return look_at_tiff(bytes);
}

}  // namespace

Decoded<RawPreview> find_raw_preview(Bytes bytes, const Sniffed& sniffed) {
  constexpr std::string_view kStart = "\xFF\xD8\xFF";
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const ByteReader reader(bytes, ByteOrder::big);
  std::int64_t most = 0;
  RawPreview preview;
  for (auto offset = text.find(kStart); offset != std::string_view::npos;
       offset = text.find(kStart, offset + 1)) {
    const std::int64_t pixels = jpeg_pixels(reader, offset);
    if (pixels <= most) continue;
    most = pixels;
    preview.jpeg = bytes.subspan(offset);
  }
  const Container container = look_at(bytes);
  if (container.cut)
    return refuse(Reason::truncated,
                  std::string(sniffed.name) + ": the data end before its preview does");
  if (most == 0)
    return refuse(Reason::unsupported,
                  std::string(sniffed.name) + ": without a JPEG preview it is not supported");
  preview.orientation = container.orientation;
  return preview;
}

}  // namespace photoscribe::image
