#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "worker/photo/open_beneath.h"
#include "worker/photo/open_failure.h"
#include "worker/photo/remote_photos.h"

namespace photoscribe {
namespace {

constexpr std::size_t kBufferKept = std::size_t{64} << 20;  // a larger file's buffer is given back

}  // namespace

Opened<std::span<const std::uint8_t>> FileBuffer::read(const PhotoRoot& root, std::string_view path,
                                                       std::int64_t bytes_max) {
  if (RemotePhotos* const photos = root.remote()) return read_remote(*photos, path, bytes_max);
  auto file = root.open_file(path);
  if (!file) return tl::unexpected(file.error());
  struct stat info = {};
  if (fstat(file->get(), &info) != 0) info.st_size = 0;
  if (info.st_size == 0) return refuse(Reason::empty, "no bytes in it");
  if (info.st_size > bytes_max) {
    return refuse(Reason::too_large, std::to_string(info.st_size) +
                                         " bytes; limits.file_bytes_max is " +
                                         std::to_string(bytes_max));
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  if (storage_.size() < size || storage_.size() > std::max(size, kBufferKept)) {
    std::vector<std::uint8_t>().swap(storage_);
    storage_.resize(size);
  }
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::read(file->get(), storage_.data() + have, size - have);
    if (got == 0) break;  // it shrank meanwhile: the decoder says what is left of it
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      const std::string detail = "read: " + text_of(error);
      if (error == EACCES || error == EPERM || error == EISDIR) {
        return refuse(Reason::unreadable, detail);
      }
      return blame_machine(fault_of_errno(error), "read " + root.folder() + "/" +
                                                      std::string(path) + ": " + text_of(error));
    }
    have += static_cast<std::size_t>(got);
  }
  if (have == 0) return refuse(Reason::empty, "no bytes in it");
  return std::span<const std::uint8_t>(storage_.data(), have);
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
