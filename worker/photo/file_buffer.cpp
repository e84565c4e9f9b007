#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "worker/photo/archive_member.h"
#include "worker/photo/open_beneath.h"
#include "worker/photo/open_failure.h"
#include "worker/photo/remote_photos.h"

namespace photoscribe {
namespace {

constexpr std::size_t kPiece = std::size_t{4} << 20;        // of a file, read at once
constexpr std::size_t kBufferKept = std::size_t{64} << 20;  // a larger file's buffer is given back

/// As of a file whose bytes cannot be read.
tl::unexpected<OpenFailure> read_failure(const PhotoRoot& root, std::string_view path, int error) {
  if (error == EACCES || error == EPERM || error == EISDIR)
    return refuse(Reason::unreadable, "read: " + text_of(error));
  return blame_machine(fault_of_errno(error),
                       "read " + root.folder() + "/" + std::string(path) + ": " + text_of(error));
}

}  // namespace

std::span<std::uint8_t> FileBuffer::room(std::size_t bytes) {
  if (storage_.size() < bytes || storage_.size() > std::max(bytes, kBufferKept)) {
    std::vector<std::uint8_t>().swap(storage_);
    storage_.resize(bytes);
  }
  size_ = bytes;
  return std::span(storage_).first(bytes);
}

Opened<std::span<const std::uint8_t>> FileBuffer::read(const PhotoRoot& root, std::string_view path,
                                                       std::int64_t bytes_max) {
  size_ = 0;
  if (RemotePhotos* const photos = root.remote()) return read_remote(*photos, path, bytes_max);
  auto file = root.open_file(path);
  if (!file) return tl::unexpected(file.error());
  struct stat info = {};
  if (fstat(file->get(), &info) != 0) return read_failure(root, path, errno);
  if (info.st_size == 0) return refuse(Reason::empty, "no bytes in it");
  if (info.st_size > bytes_max) {
    return refuse(Reason::too_large, std::to_string(info.st_size) +
                                         " bytes; limits.file_bytes_max is " +
                                         std::to_string(bytes_max));
  }
  const std::span<std::uint8_t> bytes = room(static_cast<std::size_t>(info.st_size));
  std::size_t have = 0;
  while (have < bytes.size()) {
    if (have > 0 && on_progress_) on_progress_();  // slow storage that answers does not hang
    const ssize_t got =
        ::read(file->get(), bytes.data() + have, std::min(bytes.size() - have, kPiece));
    if (got == 0) break;  // it shrank meanwhile: the decoder says what is left of it
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return read_failure(root, path, errno);
    have += static_cast<std::size_t>(got);
  }
  if (have == 0) return refuse(Reason::empty, "no bytes in it");
  return std::span<const std::uint8_t>(bytes.first(have));
}

Opened<std::span<const std::uint8_t>> FileBuffer::read(const PhotoRoot& root, std::string_view path,
                                                       const std::optional<ArchiveMember>& member,
                                                       std::int64_t bytes_max) {
  if (!member) return read(root, path, bytes_max);
  const auto archive_bytes = static_cast<std::size_t>(member->archive_size);
  if (archive_bytes >= path.size()) return refuse(Reason::missing, "no member is named");
  const std::string_view archive = path.substr(0, archive_bytes);
  auto file = root.open_file(archive);
  if (!file) return tl::unexpected(file.error());
  const MemberRequest request{path.substr(archive_bytes + 1), member->offset, bytes_max,
                              root.packed_tars(), on_progress_};
  const auto bytes = read_archive_member(std::move(*file), request,
                                         [this](std::size_t count) { return room(count); });
  if (bytes) return *bytes;
  if (bytes.error().error != 0) return read_failure(root, archive, bytes.error().error);
  return refuse(bytes.error().reason, bytes.error().what);
}

Opened<std::span<const std::uint8_t>> FileBuffer::read_remote(RemotePhotos& photos,
                                                              std::string_view path,
                                                              std::int64_t bytes_max) {
  if (storage_.size() > kBufferKept) std::vector<std::uint8_t>().swap(storage_);
  const auto size = photos.read(path, bytes_max, storage_);
  if (!size) return tl::unexpected(size.error());
  if (*size == 0) return refuse(Reason::empty, "no bytes in it");
  return std::span<const std::uint8_t>(storage_.data(), *size);
}

}  // namespace photoscribe
