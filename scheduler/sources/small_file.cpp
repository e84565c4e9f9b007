#include "scheduler/sources/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/core/file_descriptor.h"

namespace photoscribe {

std::optional<std::string> read_small_file(const std::string& file, std::size_t bytes_max) {
  const FileDescriptor opened(
      ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct ::stat node {};
  if (!opened.valid() || ::fstat(opened.get(), &node) != 0 || !S_ISREG(node.st_mode))
    return std::nullopt;
  if (node.st_size < 0 || static_cast<std::size_t>(node.st_size) > bytes_max) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(node.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(opened.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace photoscribe
