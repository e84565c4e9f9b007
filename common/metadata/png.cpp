// PNG: chunks before the pixels (PNG, third edition, 5.3 and 11.3.3; XMP part 3, 1.1.5).
#include <array>

#include "common/metadata/container.h"

namespace photoscribe::metadata::png {
namespace {

constexpr std::string_view kXmp("XML:com.adobe.xmp\0", 18);
constexpr std::string_view kDescription("Description\0", 12);
constexpr std::uint32_t kTextMax = 16 << 20;

/// PNG, annex D.
std::uint32_t crc(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320 ^ c >> 1 : c >> 1;
      made[n] = c;
    }
    return made;
  }();
  std::uint32_t c = 0xffffffff;
  for (const char byte : bytes) c = table[(c ^ static_cast<unsigned char>(byte)) & 0xff] ^ c >> 8;
  return c ^ 0xffffffff;
}

std::string chunk(std::string_view type, std::string_view data) {
  std::string body(type);
  body += data;
  return number_bytes(static_cast<std::uint32_t>(data.size()), 4, false) + body +
         number_bytes(crc(body), 4, false);
}

/// The text of an iTXt chunk behind its keyword; none if it is compressed.
std::optional<std::string> international_text(std::string_view rest) {
  if (rest.size() < 2 || rest[0] != 0) return std::nullopt;
  rest.remove_prefix(2);
  for (int field = 0; field < 2; ++field) {  // language, translated keyword
    const auto end = rest.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(end + 1);
  }
  return std::string(rest);
}

Status take_text(FileMetadata& found, std::string_view type, std::uint64_t offset,
                 std::string_view data) {
  if (type == "iTXt" && data.starts_with(kXmp)) {
    if (found.xmp) return fail(Errc::bad_payload, "it has two XMP packets");
    std::optional<std::string> packet = international_text(data.substr(kXmp.size()));
    if (!packet) return fail(Errc::bad_payload, "its XMP is compressed");
    found.xmp = Piece{offset, data.size() + 12, std::move(*packet)};
  } else if (type == "tEXt" && data.starts_with(kDescription)) {
    found.descriptions.push_back(human_description(data.substr(kDescription.size())));
  } else if (type == "iTXt" && data.starts_with(kDescription)) {
    // Compressed: somebody's words all the same.
    const auto text = international_text(data.substr(kDescription.size()));
    found.descriptions.push_back(text ? human_description(*text) : "(compressed)");
  } else if (type == "eXIf") {
    TextBytes tiff(data);
    found.descriptions.push_back(tiff::description_in(tiff));
  }
  return {};
}

}  // namespace

Expected<FileMetadata> read(ByteSource& file) {
  FileMetadata found;
  found.container = Container::png;
  std::string head, data;
  for (std::uint64_t at = 8;;) {
    if (!file.read(at, 8, head)) return damaged("it ends before its last chunk");
    const std::uint32_t size = number_at(head, 0, 4, false);
    const std::string type = head.substr(4);
    if (at + 12 + size > file.size()) return damaged("it ends before its last chunk");
    if (type == "IDAT" && found.insert_at == 0) found.insert_at = at;
    if (type == "IEND") break;
    if (type == "iTXt" || type == "tEXt" || type == "eXIf") {
      if (size > kTextMax) return fail(Errc::bad_payload, "a text of more than 16 MiB");
      if (!file.read(at + 8, size, data)) return damaged("it ends before its last chunk");
      if (Status taken = take_text(found, type, at, data); !taken) return fail(taken.error());
    }
    at += 12 + size;
  }
  if (found.insert_at == 0) return damaged("it has no pixels");
  std::erase(found.descriptions, "");
  return found;
}

Expected<Edits> with_xmp(const FileMetadata& now, const std::string& packet) {
  // No compression, no language, no translated keyword.
  std::string inserted = chunk("iTXt", std::string(kXmp) + std::string(4, '\0') + packet);
  if (now.xmp) return Edits{{now.xmp->offset, now.xmp->size, std::move(inserted)}};
  return Edits{{now.insert_at, 0, std::move(inserted)}};
}

}  // namespace photoscribe::metadata::png
