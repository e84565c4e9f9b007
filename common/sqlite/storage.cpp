#include "common/sqlite/storage.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <utility>

namespace photoscribe::sqlite {

std::optional<std::string_view> unsafe_file_system(long f_type) noexcept {
  // From linux/magic.h and statfs(2); the values fit 32 bits, which is all that f_type promises.
  constexpr std::array<std::pair<std::uint32_t, std::string_view>, 8> kUnsafe{{
      {0x6969, "NFS"},
      {0x517B, "SMB"},
      {0xFE534D42, "SMB"},
      {0xFF534D42, "CIFS"},
      {0x65735546, "FUSE"},
      {0x5346414F, "AFS"},
      {0x73757245, "Coda"},
      {0x00C36400, "Ceph"},
  }};
  for (const auto& [magic, name] : kUnsafe) {
    if (static_cast<std::uint32_t>(f_type) == magic) return name;
  }
  return std::nullopt;
}

Status check_storage(const std::string& database) {
  const std::string file = absolute_path(database);
  const std::string folder = std::filesystem::path(file).parent_path().string();
  struct ::statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) {
    return fail(Errc::store_failure, "open " + text_of(database) + ": folder " + text_of(folder) +
                                         ": " + std::strerror(errno) +
                                         "; create it or name another place with --output");
  }
  if (const auto name = unsafe_file_system(static_cast<long>(info.f_type))) {
    return fail(Errc::store_failure,
                "open " + text_of(database) + ": the folder is on " + std::string(*name) +
                    ", where SQLite's locks cannot be trusted; put the database on a local disk "
                    "(--output) and copy it when the run is over");
  }
  struct ::stat node {};
  if (::stat(file.c_str(), &node) == 0 && !S_ISREG(node.st_mode)) {
    return fail(Errc::store_failure, "open " + text_of(database) +
                                         ": is not a file; name a database file with --output");
  }
  return {};
}

std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path.empty() ? std::string(".") : path).string();
}

}  // namespace photoscribe::sqlite
