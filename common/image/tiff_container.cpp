// TIFF and BigTIFF: the first page's directory, and whether its strips or tiles are there.
#include <algorithm>
#include <optional>

#include "common/image/byte_reader.h"
#include "common/image/container.h"

namespace photoscribe::image {
namespace {

enum Tag : std::uint16_t {
  kWidth = 256,
  kHeight = 257,
  kBits = 258,
  kCompression = 259,
  kStripOffsets = 273,
  kOrientation = 274,
  kSamples = 277,
  kStripBytes = 279,
  kTileOffsets = 324,
  kTileBytes = 325,
  kSampleFormat = 339,
};

tl::unexpected<DecodeFailure> cut(std::string detail) {
  return refuse(Reason::truncated, "TIFF: " + std::move(detail));
}

struct Field {
  std::uint16_t type = 0;
  std::uint64_t count = 0;
  std::size_t values = 0;  // offset of the first value
};

class Directory {
 public:
  static Decoded<Directory> open(const ByteReader& reader);

  [[nodiscard]] std::optional<Field> find(Tag tag) const;
  /// Value `index` of a field; `absent` where there is none.
  [[nodiscard]] std::uint64_t value(const std::optional<Field>& field, std::uint64_t index,
                                    std::uint64_t absent) const;
  /// False when the file ends before this field's values do.
  [[nodiscard]] bool is_whole(Tag tag) const;
  [[nodiscard]] std::uint64_t first(Tag tag, std::uint64_t absent) const {
    return value(find(tag), 0, absent);
  }

 private:
  explicit Directory(const ByteReader& reader) : reader_(reader) {}

  ByteReader reader_;
  bool big_ = false;
  std::size_t entries_ = 0, entry_bytes_ = 12;
  std::uint64_t count_ = 0;
};

std::size_t bytes_of_type(std::uint16_t type) noexcept {
  switch (type) {
    case 3:  // SHORT
      return 2;
    case 4:  // LONG
      return 4;
    case 16:  // LONG8
      return 8;
    default:
      return 1;
  }
}

Decoded<Directory> Directory::open(const ByteReader& reader) {
  Directory directory(reader);
  directory.big_ = reader.u16(2) == 43;
  const std::uint64_t at = directory.big_ ? reader.u64(8) : reader.u32(4);
  const std::size_t count_bytes = directory.big_ ? 8 : 2;
  if (at == 0 || at > reader.size() || !reader.has(static_cast<std::size_t>(at), count_bytes))
    return cut("the data end before the directory");
  const auto start = static_cast<std::size_t>(at);
  directory.count_ = directory.big_ ? reader.u64(start) : reader.u16(start);
  directory.entries_ = start + count_bytes;
  directory.entry_bytes_ = directory.big_ ? 20 : 12;
  if (directory.count_ > (reader.size() - directory.entries_) / directory.entry_bytes_)
    return cut("the data end inside the directory");
  return directory;
}

std::optional<Field> Directory::find(Tag tag) const {
  for (std::uint64_t i = 0; i < count_; ++i) {
    const std::size_t entry = entries_ + static_cast<std::size_t>(i) * entry_bytes_;
    if (reader_.u16(entry) != tag) continue;
    Field field;
    field.type = reader_.u16(entry + 2);
    field.count = big_ ? reader_.u64(entry + 4) : reader_.u32(entry + 4);
    const std::size_t inline_bytes = big_ ? 8 : 4, inline_at = entry + (big_ ? 12 : 8);
    const bool is_inline = field.count <= inline_bytes / bytes_of_type(field.type);
    const std::uint64_t outside = big_ ? reader_.u64(inline_at) : reader_.u32(inline_at);
    field.values = is_inline ? inline_at
                             : static_cast<std::size_t>(std::min<std::uint64_t>(
                                   outside, reader_.size()));  // past the end reads as 0
    return field;
  }
  return std::nullopt;
}

std::uint64_t Directory::value(const std::optional<Field>& field, std::uint64_t index,
                               std::uint64_t absent) const {
  if (!field || index >= field->count) return absent;
  const std::size_t bytes = bytes_of_type(field->type);
  if (index > reader_.size() / bytes) return absent;
  const std::size_t at = field->values + static_cast<std::size_t>(index) * bytes;
  switch (bytes) {
    case 2:
      return reader_.u16(at);
    case 4:
      return reader_.u32(at);
    case 8:
      return reader_.u64(at);
    default:
      return reader_.u8(at);
  }
}

bool Directory::is_whole(Tag tag) const {
  const auto field = find(tag);
  if (!field) return true;
  const std::size_t bytes = bytes_of_type(field->type);
  return field->count <= reader_.size() / bytes &&
         reader_.has(field->values, static_cast<std::size_t>(field->count) * bytes);
}

// Every strip or tile lies within the file.
Decoded<void> check_pieces(const Directory& directory, std::size_t file_bytes) {
  const bool tiled = directory.find(kTileOffsets).has_value();
  const auto offsets = directory.find(tiled ? kTileOffsets : kStripOffsets);
  const auto sizes = directory.find(tiled ? kTileBytes : kStripBytes);
  if (!offsets || offsets->count == 0) return cut("no picture in its first page");
  if (offsets->count > file_bytes) return cut("more strips than bytes");
  for (std::uint64_t i = 0; i < offsets->count; ++i) {
    const std::uint64_t offset = directory.value(offsets, i, 0);
    const std::uint64_t size = directory.value(sizes, i, 1);
    if (offset > file_bytes || size > file_bytes - offset)
      return cut("the data end before strip or tile " + std::to_string(i));
  }
  return {};
}

Decoded<void> check_variant(const Directory& directory) {
  constexpr std::uint64_t kUnsigned = 1, kUndefined = 4;
  const std::uint64_t bits = directory.first(kBits, 1);
  const std::uint64_t format = directory.first(kSampleFormat, kUnsigned);
  const bool depth = bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16;
  if (depth && (format == kUnsigned || format == kUndefined)) return {};
  return refuse(Reason::unsupported, "TIFF: " + std::to_string(bits) + " bits a sample of format " +
                                         std::to_string(format) +
                                         " (only whole numbers of up to 16 bits are supported)");
}

// OpenCV turns a TIFF by its tag whatever it is asked for, so what it gets has the tag at 1.
void take_orientation(std::span<const std::uint8_t> bytes, const Directory& directory,
                      ByteOrder order, Container& tiff) {
  const auto field = directory.find(kOrientation);
  const std::uint64_t value = directory.value(field, 0, 1);
  if (!field || value == 1) return;
  if (value >= 2 && value <= 8) tiff.orientation = static_cast<int>(value);
  tiff.rewritten.assign(bytes.begin(), bytes.end());
  const std::size_t size = bytes_of_type(field->type);
  for (std::size_t i = 0; i < size && field->values + i < bytes.size(); ++i) {
    const std::size_t lowest = order == ByteOrder::little ? 0 : size - 1;
    tiff.rewritten[field->values + i] = i == lowest ? 1 : 0;
  }
}

}  // namespace

Decoded<Container> check_tiff(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) {
  const auto reader = tiff_reader(bytes);
  if (!reader) return cut("no byte order");
  const auto directory = Directory::open(*reader);
  if (!directory) return refuse(directory.error());
  for (const Tag tag : {kBits, kSampleFormat, kStripOffsets, kStripBytes, kTileOffsets, kTileBytes})
    if (!directory->is_whole(tag)) return cut("the data end inside tag " + std::to_string(tag));
  constexpr std::uint64_t kSideMax = 0x7FFFFFFF;
  const std::uint64_t width = std::min(directory->first(kWidth, 0), kSideMax);
  const std::uint64_t height = std::min(directory->first(kHeight, 0), kSideMax);
  if (auto fits = check_size("TIFF", static_cast<std::int64_t>(width),
                             static_cast<std::int64_t>(height), limits);
      !fits)
    return refuse(fits.error());
  if (auto known = check_variant(*directory); !known) return refuse(known.error());
  if (auto whole = check_pieces(*directory, bytes.size()); !whole) return refuse(whole.error());
  Container tiff;
  tiff.size = {static_cast<int>(width), static_cast<int>(height)};
  // tiff.alpha stays false: libtiff's own conversion multiplies by alpha, which shows it on black.
  take_orientation(bytes, *directory, bytes[0] == 'I' ? ByteOrder::little : ByteOrder::big, tiff);
  return tiff;
}

}  // namespace photoscribe::image
