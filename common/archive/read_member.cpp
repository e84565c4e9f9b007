#include "common/archive/read_member.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "common/archive/archive_kind.h"
#include "common/archive/tar_reader.h"

namespace photoscribe {
namespace {

constexpr std::uint16_t kStored = 0, kDeflated = 8;
// Deflate's own limit, of zeros: 258 bytes from two bits. What claims more is not what it says.
constexpr std::int64_t kDeflateRatioMax = 1032;
constexpr std::int64_t kDeflateMore = 1 << 16;

FromArchive<void> read_exactly(const ReadAt& read, std::int64_t offset,
                               std::span<std::uint8_t> into) {
  const auto got = read(offset, into);
  if (!got) return archive_unread(got.error(), std::strerror(got.error()));
  if (*got != into.size()) return archive_damaged("the archive ends before the member does");
  return {};
}

FromArchive<void> inflate(const ReadAt& read, std::int64_t offset, const ZipMember& member,
                          std::span<std::uint8_t> into) {
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(member.packed_bytes));
  if (auto had = read_exactly(read, offset, packed); !had) return had;
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> unpack(
      libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  if (!unpack) throw std::bad_alloc();
  const auto result = libdeflate_deflate_decompress(unpack.get(), packed.data(), packed.size(),
                                                    into.data(), into.size(), nullptr);
  if (result != LIBDEFLATE_SUCCESS)
    return archive_damaged("the member is damaged: it does not unpack to the size that it has");
  return {};
}

std::span<std::uint8_t> bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

/// Room for a member's bytes.
FromArchive<std::string> room_for(std::int64_t size_bytes, std::size_t bytes_max) {
  if (size_bytes < 0 || static_cast<std::size_t>(size_bytes) > bytes_max)
    return archive_refused(Reason::too_large, std::to_string(size_bytes) + " bytes");
  return std::string(static_cast<std::size_t>(size_bytes), '\0');
}

FromArchive<std::string> read_small_of_zip(int archive, std::int64_t offset,
                                           std::size_t bytes_max) {
  struct stat node {};
  if (::fstat(archive, &node) != 0) return archive_unread(errno, std::strerror(errno));
  const auto member = zip_member_at(read_file_at(archive), node.st_size, offset);
  if (!member) return tl::unexpected(member.error());
  if (member->is_link() || member->is_folder())
    return archive_refused(Reason::not_a_file, "no file");
  if (member->encrypted) return archive_refused(Reason::encrypted, "it needs a password");
  if (auto possible = check_zip_sizes(*member); !possible) return tl::unexpected(possible.error());
  auto text = room_for(member->size_bytes, bytes_max);
  if (!text) return text;
  if (auto had = read_zip_bytes(archive, node.st_size, *member, bytes_of(*text)); !had)
    return tl::unexpected(had.error());
  return text;
}

FromArchive<std::string> read_small_of_tar(int archive, std::int64_t offset,
                                           std::size_t bytes_max) {
  FileDescriptor own(::fcntl(archive, F_DUPFD_CLOEXEC, 0));
  if (!own.valid()) return archive_unread(errno, std::strerror(errno));
  auto tar = TarReader::open(std::move(own), ArchiveKind::tar, offset);
  if (!tar) return tl::unexpected(tar.error());
  const auto member = tar->next();
  if (!member) return tl::unexpected(member.error());
  if (!*member || !(*member)->otherwise.empty())
    return archive_refused(Reason::not_a_file, "no file");
  auto text = room_for((*member)->size_bytes, bytes_max);
  if (!text) return text;
  const auto got = tar->read(bytes_of(*text));
  if (!got) return tl::unexpected(got.error());
  if (*got != text->size()) return archive_damaged("the archive ends before the member does");
  return text;
}

}  // namespace

FromArchive<void> check_zip_sizes(const ZipMember& member) {
  const bool impossible =
      (member.method == kStored && member.size_bytes != member.packed_bytes) ||
      (member.method == kDeflated &&
       (member.size_bytes / kDeflateRatioMax > member.packed_bytes ||
        // What does not get smaller gets a little larger, not more.
        member.packed_bytes > member.size_bytes + member.size_bytes / 8 + kDeflateMore));
  if (impossible) return archive_damaged("the member cannot have the size that the archive says");
  return {};
}

FromArchive<void> read_zip_bytes(int file, std::int64_t file_bytes, const ZipMember& member,
                                 std::span<std::uint8_t> into) {
  const ReadAt read = read_file_at(file);
  const auto data = zip_data_offset(read, file_bytes, member);
  if (!data) return tl::unexpected(data.error());
  const FromArchive<void> had = member.method == kStored ? read_exactly(read, *data, into)
                                : member.method == kDeflated
                                    ? inflate(read, *data, member, into)
                                    : read_zip_member(file, member.local_offset, into);
  if (!had) return had;
  if (libdeflate_crc32(0, into.data(), into.size()) != member.crc32)
    return archive_damaged("the member's bytes do not match its checksum");
  return {};
}

FromArchive<std::string> read_small_member(int archive, std::int64_t offset,
                                           std::size_t bytes_max) {
  switch (archive_kind_of(archive)) {
    case ArchiveKind::zip:
      return read_small_of_zip(archive, offset, bytes_max);
    case ArchiveKind::tar:
      return read_small_of_tar(archive, offset, bytes_max);
    case ArchiveKind::packed_tar:
    case ArchiveKind::none:
      break;
  }
  return archive_refused(Reason::unsupported, "no archive that can be entered anywhere");
}

}  // namespace photoscribe
