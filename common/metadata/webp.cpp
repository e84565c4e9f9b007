// WebP: chunks of a RIFF file (RFC 9649, 2.6 and 2.7).
#include "common/metadata/container.h"

namespace photoscribe::metadata::webp {
namespace {

constexpr std::uint64_t kSizeMax = 0xfffffffe;
constexpr unsigned char kHasXmp = 0x04, kHasAlpha = 0x10;
constexpr std::uint32_t kTextMax = 16 << 20;

std::string chunk(std::string_view type, std::string_view data) {
  std::string out(type);
  out += number_bytes(static_cast<std::uint32_t>(data.size()), 4, true);
  out += data;
  if (data.size() % 2 != 0) out += '\0';
  return out;
}

/// The header that a file needs before it may hold anything but pixels.
Expected<std::string> extended_header(ByteSource& file) {
  std::string head;
  if (!file.read(12, 18, head)) return damaged("it has no pixels");
  std::uint32_t width_px = 0, height_px = 0;
  unsigned char flags = kHasXmp;
  if (head.starts_with("VP8L")) {
    if (head[8] != '\x2f') return damaged("no lossless picture");
    const std::uint32_t bits = number_at(head, 9, 4, true);
    width_px = (bits & 0x3fff) + 1;
    height_px = (bits >> 14 & 0x3fff) + 1;
    if ((bits >> 28 & 1) != 0) flags |= kHasAlpha;
  } else {
    if (head.substr(11, 3) != "\x9d\x01\x2a") return damaged("no key frame");
    width_px = number_at(head, 14, 2, true) & 0x3fff;
    height_px = number_at(head, 16, 2, true) & 0x3fff;
  }
  if (width_px == 0 || height_px == 0) return damaged("a picture of no size");
  return chunk("VP8X", std::string{static_cast<char>(flags), 0, 0, 0} +
                           number_bytes(width_px - 1, 3, true) +
                           number_bytes(height_px - 1, 3, true));
}

}  // namespace

Expected<FileMetadata> read(ByteSource& file) {
  FileMetadata found;
  found.container = Container::webp;
  std::string head, data;
  if (!file.read(0, 12, head)) return damaged("it ends in its header");
  found.insert_at = std::uint64_t{8} + number_at(head, 4, 4, true);
  if (found.insert_at > file.size() || found.insert_at % 2 != 0)
    return damaged("it is shorter than it says");
  found.simple_webp = true;
  for (std::uint64_t at = 12; at + 8 <= found.insert_at;) {
    if (!file.read(at, 8, head)) return damaged("it ends in a chunk");
    const std::uint32_t size = number_at(head, 4, 4, true);
    const std::uint64_t whole = std::uint64_t{8} + size + size % 2;
    if (at + whole > found.insert_at) return damaged("it ends in a chunk");
    const std::string type = head.substr(0, 4);
    if (at == 12 && type == "VP8X") {
      if (size < 10) return damaged("its header is too short");
      found.simple_webp = false;
    }
    if (type == "XMP " || type == "EXIF") {
      if (size > kTextMax) return fail(Errc::bad_payload, "a text of more than 16 MiB");
      if (!file.read(at + 8, size, data)) return damaged("it ends in a chunk");
      if (type == "EXIF") {
        TextBytes tiff(std::string_view(data).substr(data.starts_with("Exif") ? 6 : 0));
        found.descriptions.push_back(tiff::description_in(tiff));
      } else if (found.xmp) {
        return fail(Errc::bad_payload, "it has two XMP packets");
      } else {
        found.xmp = Piece{at, whole, data};
      }
    }
    at += whole;
  }
  std::erase(found.descriptions, "");
  return found;
}

Expected<Edits> with_xmp(ByteSource& file, const FileMetadata& now, const std::string& packet) {
  Edits edits;
  if (now.simple_webp) {
    if (now.xmp) return damaged("XMP without a header that says so");
    Expected<std::string> header = extended_header(file);
    if (!header) return fail(header.error());
    edits.push_back({12, 0, std::move(*header)});
  } else {
    std::string flags;
    if (!file.read(20, 1, flags)) return damaged("it ends in its header");
    flags[0] = static_cast<char>(static_cast<unsigned char>(flags[0]) | kHasXmp);
    edits.push_back({20, 1, std::move(flags)});
  }
  if (now.xmp) {
    edits.push_back({now.xmp->offset, now.xmp->size, chunk("XMP ", packet)});
  } else {
    edits.push_back({now.insert_at, 0, chunk("XMP ", packet)});
  }
  const std::uint64_t size = edited_size(now.insert_at, edits) - 8;
  if (size > kSizeMax) return fail(Errc::bad_payload, "it would be larger than 4 GiB");
  edits.insert(edits.begin(), {4, 4, number_bytes(static_cast<std::uint32_t>(size), 4, true)});
  return edits;
}

}  // namespace photoscribe::metadata::webp
