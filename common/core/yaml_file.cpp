#include "common/core/yaml_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "common/core/file_descriptor.h"

namespace photoscribe {
namespace {

constexpr std::size_t kBytesMax = 4U << 20;

std::string read_at_most(int file, std::size_t bytes) {
  std::string text(bytes, '\0');
  std::size_t size = 0;
  while (size < bytes) {
    const ssize_t got = ::read(file, text.data() + size, bytes - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

}  // namespace

YAML::Node load_yaml(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) throw std::runtime_error(path + ": " + std::strerror(errno));
  struct ::stat is {};
  // A pipe (`--config <(…)`) is as good as a file.
  const bool good = ::fstat(file.get(), &is) == 0 && (S_ISREG(is.st_mode) || S_ISFIFO(is.st_mode));
  const std::string text = good ? read_at_most(file.get(), kBytesMax + 1) : "";
  if (!good)
    throw std::runtime_error(path + (S_ISDIR(is.st_mode) ? ": is a folder" : ": is no file"));
  if (text.size() > kBytesMax)
    throw std::runtime_error(path + ": over 4 MiB: no file of settings is that large");
  return YAML::Load(text);
}

}  // namespace photoscribe
