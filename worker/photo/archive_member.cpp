#include "worker/photo/archive_member.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "common/archive/archive_kind.h"
#include "common/archive/member_name.h"
#include "common/archive/read_member.h"
#include "common/archive/tar_reader.h"
#include "common/archive/zip_directory.h"

namespace photoscribe {
namespace {

using Bytes = std::span<const std::uint8_t>;

FromArchive<Bytes> read_zip(const FileDescriptor& archive, const MemberRequest& request,
                            const MakeRoom& room) {
  struct stat node {};
  if (::fstat(archive.get(), &node) != 0) return archive_unread(errno, std::strerror(errno));
  const ReadAt read = read_file_at(archive.get());
  const auto member = zip_member_at(read, node.st_size, request.offset);
  if (!member) return tl::unexpected(member.error());
  const std::string otherwise = member->is_link()     ? "a link"
                                : member->is_folder() ? "a folder"
                                                      : "";
  if (auto fit = check_member(member->name, request.name, otherwise, member->size_bytes,
                              request.bytes_max);
      !fit) {
    return tl::unexpected(fit.error());
  }
  if (member->encrypted)
    return archive_refused(Reason::encrypted, "it needs a password, which nothing here has");
  if (auto possible = check_zip_sizes(*member); !possible) return tl::unexpected(possible.error());
  const std::span<std::uint8_t> bytes = room(static_cast<std::size_t>(member->size_bytes));
  if (auto had = read_zip_bytes(archive.get(), node.st_size, *member, bytes); !had)
    return tl::unexpected(had.error());
  return Bytes(bytes);
}

FromArchive<Bytes> read_tar(FileDescriptor archive, const MemberRequest& request,
                            const MakeRoom& room) {
  auto tar =
      TarReader::open(std::move(archive), ArchiveKind::tar, request.offset, request.on_progress);
  if (!tar) return tl::unexpected(tar.error());
  const auto member = tar->next();
  if (!member) return tl::unexpected(member.error());
  if (!*member) return member_moved();
  if (auto fit = check_member((*member)->name, request.name, (*member)->otherwise,
                              (*member)->size_bytes, request.bytes_max);
      !fit) {
    return tl::unexpected(fit.error());
  }
  const std::span<std::uint8_t> bytes = room(static_cast<std::size_t>((*member)->size_bytes));
  const auto got = tar->read(bytes);
  if (!got) return tl::unexpected(got.error());
  if (*got < bytes.size()) return archive_damaged("the archive ends before the member does");
  return Bytes(bytes);
}

FromArchive<Bytes> read_packed(FileDescriptor archive, const MemberRequest& request,
                               const MakeRoom& room) {
  const auto bytes = request.packed_tars.read(
      std::move(archive), {request.name, request.offset, request.bytes_max, request.on_progress});
  if (!bytes) return tl::unexpected(bytes.error());
  if (bytes->empty()) return archive_refused(Reason::empty, "no bytes in it");
  const std::span<std::uint8_t> into = room(bytes->size());
  std::memcpy(into.data(), bytes->data(), bytes->size());
  return Bytes(into);
}

}  // namespace

tl::unexpected<ArchiveFailure> member_moved() {
  return archive_refused(Reason::missing, "the archive has another member there now; run it again");
}

FromArchive<void> check_member(std::string_view name, std::string_view wanted,
                               const std::string& otherwise, std::int64_t size_bytes,
                               std::int64_t bytes_max) {
  if (!is_member_named(wanted, name)) return member_moved();
  if (!otherwise.empty()) return archive_refused(Reason::not_a_file, otherwise);
  if (size_bytes <= 0) return archive_refused(Reason::empty, "no bytes in it");
  if (size_bytes > bytes_max) {
    return archive_refused(Reason::too_large, std::to_string(size_bytes) +
                                                  " bytes; limits.file_bytes_max is " +
                                                  std::to_string(bytes_max));
  }
  return {};
}

FromArchive<Bytes> read_archive_member(FileDescriptor archive, const MemberRequest& request,
                                       const MakeRoom& room) {
  if (is_unsafe_name(request.name)) {
    return archive_refused(Reason::unsafe_name,
                           "a name that leads out of the archive: absolute, or with \"..\"");
  }
  errno = 0;
  const ArchiveKind kind = archive_kind_of(archive.get());
  if (kind == ArchiveKind::none && errno != 0) return archive_unread(errno, std::strerror(errno));
  switch (kind) {
    case ArchiveKind::zip:
      return read_zip(archive, request, room);
    case ArchiveKind::tar:
      return read_tar(std::move(archive), request, room);
    case ArchiveKind::packed_tar:
      return read_packed(std::move(archive), request, room);
    case ArchiveKind::none:
      break;
  }
  return archive_refused(Reason::missing, "the file is no archive any more");
}

}  // namespace photoscribe
