// JPEG: segments before the first scan (ITU T.81, B.1; XMP part 3, 1.1.3; EXIF 2.32, 4.5.4).
#include "common/metadata/container.h"

namespace photoscribe::metadata::jpeg {
namespace {

constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
constexpr std::string_view kExif("Exif\0\0", 6);
constexpr std::string_view kExtension("http://ns.adobe.com/xmp/extension/\0", 35);
constexpr std::string_view kPhotoshop("Photoshop 3.0\0", 14);
constexpr std::size_t kSegmentMax = 0xffff;  // with its two bytes of length

std::string segment(unsigned char marker, std::string_view name, std::string_view bytes) {
  std::string out{'\xff', static_cast<char>(marker)};
  out += number_bytes(static_cast<std::uint32_t>(2 + name.size() + bytes.size()), 2, false);
  return out.append(name).append(bytes);
}

/// What a segment of text says; where the ordinary first segments end.
Status take_segment(FileMetadata& found, unsigned char marker, std::uint64_t offset,
                    std::string_view bytes) {
  const auto piece = [&](std::size_t name) {
    return Piece{offset, bytes.size() + 4, std::string(bytes.substr(name))};
  };
  if (marker == 0xe1 && bytes.starts_with(kXmp)) {
    if (found.xmp) return fail(Errc::bad_payload, "it has two XMP packets");
    found.xmp = piece(kXmp.size());
  } else if (marker == 0xe1 && bytes.starts_with(kExtension)) {
    // The rest of a large packet: depth maps and the like, but perhaps a description.
    if (bytes.find(":description") != std::string_view::npos)
      found.descriptions.emplace_back("(in an extension of its XMP)");
  } else if (marker == 0xe1 && bytes.starts_with(kExif)) {
    TextBytes tiff(bytes.substr(kExif.size()));
    if (std::string text = tiff::description_in(tiff); !text.empty())
      found.descriptions.push_back(std::move(text));
  } else if (marker == 0xed && bytes.starts_with(kPhotoshop)) {
    if (found.iptc) return fail(Errc::bad_payload, "its Photoshop data are in several segments");
    found.iptc = piece(kPhotoshop.size());
  }
  return {};
}

}  // namespace

Expected<FileMetadata> read(ByteSource& file) {
  FileMetadata found;
  found.container = Container::jpeg;
  found.insert_at = 2;
  bool still_first = true;
  std::string bytes;
  for (std::uint64_t at = 2;;) {
    if (!file.read(at, 2, bytes)) return damaged("it ends before its first scan");
    if (bytes[0] != '\xff') return damaged("no marker where one belongs");
    const auto marker = static_cast<unsigned char>(bytes[1]);
    if (marker == 0xff) {  // a fill byte
      ++at;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) return found;
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 2;
      continue;
    }
    if (!file.read(at + 2, 2, bytes)) return damaged("it ends before its first scan");
    const std::uint32_t size = number_at(bytes, 0, 2, false);
    if (size < 2) return damaged("a segment of no size");
    const bool of_interest = marker == 0xe0 || marker == 0xe1 || marker == 0xed;
    if (at + 2 + size > file.size()) return damaged("it ends before its first scan");
    bytes.clear();
    if (of_interest && !file.read(at + 4, size - 2, bytes))
      return damaged("it ends before its first scan");
    if (Status taken = take_segment(found, marker, at, bytes); !taken) return fail(taken.error());
    // XMP follows JFIF and EXIF; whatever holds offsets into the file (MPF) comes later and moves
    // as a whole.
    still_first = still_first && (marker == 0xe0 || (marker == 0xe1 && bytes.starts_with(kExif)));
    at += 2 + size;
    if (still_first) found.insert_at = at;
  }
}

Expected<Edits> with_xmp(const FileMetadata& now, const std::string& packet) {
  if (2 + kXmp.size() + packet.size() > kSegmentMax)
    return fail(Errc::bad_payload, "its XMP would be larger than a JPEG's 64 KiB");
  std::string inserted = segment(0xe1, kXmp, packet);
  if (now.xmp) return Edits{{now.xmp->offset, now.xmp->size, std::move(inserted)}};
  return Edits{{now.insert_at, 0, std::move(inserted)}};
}

}  // namespace photoscribe::metadata::jpeg

namespace photoscribe::metadata {

Expected<Edits> with_resources(const FileMetadata& now, const std::string& resources) {
  if (now.container != Container::jpeg)
    return fail(Errc::bad_payload, "IPTC is written into JPEG alone; --format xmp takes more");
  if (2 + jpeg::kPhotoshop.size() + resources.size() > jpeg::kSegmentMax)
    return fail(Errc::bad_payload, "its IPTC would be larger than a JPEG's 64 KiB");
  std::string inserted = jpeg::segment(0xed, jpeg::kPhotoshop, resources);
  if (now.iptc) return Edits{{now.iptc->offset, now.iptc->size, std::move(inserted)}};
  // Behind XMP, where there is one, as Photoshop has it.
  const std::uint64_t at =
      now.xmp && now.xmp->offset == now.insert_at ? now.xmp->offset + now.xmp->size : now.insert_at;
  return Edits{{at, 0, std::move(inserted)}};
}

}  // namespace photoscribe::metadata
