// TIFF: the tags of the first directory (TIFF 6.0, section 2; XMP part 3, 1.1.8). A new text and a
// new copy of the directory are appended and the header is pointed at it, so that no byte that
// anything else points to moves.
#include <algorithm>

#include "common/metadata/container.h"

namespace photoscribe::metadata::tiff {
namespace {

constexpr std::uint32_t kImageDescription = 270, kXmp = 700, kDng = 50706;
constexpr std::uint64_t kSizeMax = 0xffffffff;
constexpr std::uint32_t kTextMax = 16 << 20;
constexpr std::size_t kRoom = 1024;  // blanks behind the text, so that another fits in its place

struct Tag {
  std::uint32_t tag = 0, type = 0, count = 0;
  std::string value;  // four bytes: the value, or where it lies
};

struct Directory {
  bool little = false;
  std::uint64_t at = 0;
  std::vector<Tag> tags;
  std::string next;  // four bytes
};

std::optional<Directory> first_directory(ByteSource& file) {
  std::string bytes;
  if (!file.read(0, 8, bytes)) return std::nullopt;
  Directory found;
  found.little = bytes.starts_with("II");
  if (!found.little && !bytes.starts_with("MM")) return std::nullopt;
  if (number_at(bytes, 2, 2, found.little) != 42) return std::nullopt;
  found.at = number_at(bytes, 4, 4, found.little);
  if (!file.read(found.at, 2, bytes)) return std::nullopt;
  const std::uint32_t count = number_at(bytes, 0, 2, found.little);
  if (!file.read(found.at + 2, count * std::size_t{12} + 4, bytes)) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = i * 12;
    found.tags.push_back({number_at(bytes, from, 2, found.little),
                          number_at(bytes, from + 2, 2, found.little),
                          number_at(bytes, from + 4, 4, found.little), bytes.substr(from + 8, 4)});
  }
  found.next = bytes.substr(count * std::size_t{12});
  return found;
}

const Tag* find(const Directory& directory, std::uint32_t tag) {
  const auto at = std::find_if(directory.tags.begin(), directory.tags.end(),
                               [&](const Tag& one) { return one.tag == tag; });
  return at == directory.tags.end() ? nullptr : &*at;
}

std::string description_of(ByteSource& file, const Directory& directory) {
  const Tag* const tag = find(directory, kImageDescription);
  if (tag == nullptr || tag->type != 2) return {};
  std::string text = tag->value.substr(0, std::min<std::size_t>(4, tag->count));
  const std::uint32_t at = number_at(tag->value, 0, 4, directory.little);
  if (tag->count > 4 && (tag->count > kTextMax || !file.read(at, tag->count, text))) return {};
  return human_description(text);
}

std::string bytes_of(const Directory& directory) {
  const bool little = directory.little;
  std::string out = number_bytes(static_cast<std::uint32_t>(directory.tags.size()), 2, little);
  for (const Tag& tag : directory.tags) {
    out += number_bytes(tag.tag, 2, little) + number_bytes(tag.type, 2, little) +
           number_bytes(tag.count, 4, little) + tag.value;
  }
  return out + directory.next;
}

}  // namespace

std::string description_in(ByteSource& tiff) {
  const std::optional<Directory> directory = first_directory(tiff);
  return directory ? description_of(tiff, *directory) : std::string();
}

Expected<FileMetadata> read(ByteSource& file) {
  FileMetadata found;
  found.container = Container::tiff;
  const std::optional<Directory> directory = first_directory(file);
  if (!directory) return damaged("its first directory cannot be read");
  found.little = directory->little;
  found.ifd_at = directory->at;
  found.insert_at = file.size();
  if (find(*directory, kDng) != nullptr)
    return fail(Errc::bad_payload, "a camera's RAW file is not written to");
  if (std::string text = description_of(file, *directory); !text.empty())
    found.descriptions.push_back(std::move(text));
  const Tag* const xmp = find(*directory, kXmp);
  if (xmp == nullptr) return found;
  Piece piece{number_at(xmp->value, 0, 4, found.little), xmp->count, {}};
  if ((xmp->type != 1 && xmp->type != 7) || xmp->count <= 4)
    return fail(Errc::bad_payload, "its XMP is of a kind that TIFF does not have");
  if (xmp->count > kTextMax) return fail(Errc::bad_payload, "a text of more than 16 MiB");
  if (!file.read(piece.offset, xmp->count, piece.bytes)) return damaged("its XMP is cut");
  found.xmp = std::move(piece);
  return found;
}

Expected<Edits> with_xmp(ByteSource& file, const FileMetadata& now, const std::string& packet) {
  if (now.xmp && packet.size() <= now.xmp->size) {
    std::string inserted = packet;
    inserted.resize(static_cast<std::size_t>(now.xmp->size), ' ');
    return Edits{{now.xmp->offset, now.xmp->size, std::move(inserted)}};
  }
  std::optional<Directory> directory = first_directory(file);
  if (!directory) return damaged("its first directory cannot be read");
  std::string appended(now.insert_at % 2, '\0');
  const std::uint64_t text_at = now.insert_at + appended.size();
  appended += packet + std::string(kRoom + packet.size() % 2, ' ');
  const std::uint64_t directory_at = now.insert_at + appended.size();
  const Tag tag{kXmp, 1, static_cast<std::uint32_t>(packet.size() + kRoom),
                number_bytes(static_cast<std::uint32_t>(text_at), 4, now.little)};
  auto& tags = directory->tags;
  std::erase_if(tags, [](const Tag& one) { return one.tag == kXmp; });
  tags.insert(std::find_if(tags.begin(), tags.end(), [](const Tag& one) { return one.tag > kXmp; }),
              tag);
  if (tags.size() > 0xffff) return damaged("its first directory is full");
  appended += bytes_of(*directory);
  if (now.insert_at + appended.size() > kSizeMax)
    return fail(Errc::bad_payload, "it would be larger than 4 GiB");
  return Edits{{4, 4, number_bytes(static_cast<std::uint32_t>(directory_at), 4, now.little)},
               {now.insert_at, 0, std::move(appended)}};
}

}  // namespace photoscribe::metadata::tiff
