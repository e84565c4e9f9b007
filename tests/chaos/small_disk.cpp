#include "tests/chaos/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace photoscribe::test {
namespace {

/// A mount namespace of our own; one of users too where only that is allowed.
bool enter_own_mounts() {
  const auto user = ::getuid();
  const auto group = ::getgid();
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << user << " " << user << " 1";
    std::ofstream("/proc/self/gid_map") << group << " " << group << " 1";
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

}  // namespace

std::optional<SmallDisk> SmallDisk::over(const std::string& folder, int megabytes) {
  const std::string size = "size=" + std::to_string(megabytes) + "m";
  if (!enter_own_mounts() ||
      ::mount("small", folder.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, size.c_str()) != 0) {
    return std::nullopt;
  }
  return SmallDisk(folder);
}

SmallDisk::SmallDisk(SmallDisk&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}

SmallDisk::~SmallDisk() {
  if (!folder_.empty()) ::umount2(folder_.c_str(), MNT_DETACH);
}

void SmallDisk::fill(std::int64_t left_bytes) const {
  make_room();
  const int fd = ::open(ballast().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  bool taken = false;
  // Others write at the same time, so what was free a moment ago may be less now.
  for (int tries = 0; fd >= 0 && !taken && tries < 1'000; ++tries) {
    struct ::statvfs info {};
    ::statvfs(folder_.c_str(), &info);
    const auto free = static_cast<std::int64_t>(info.f_bavail * info.f_frsize);
    taken = ::fallocate(fd, 0, 0, std::max<std::int64_t>(1, free - left_bytes)) == 0;
  }
  if (fd >= 0) ::close(fd);
  if (!taken) throw std::runtime_error("cannot fill " + folder_);
}

void SmallDisk::make_room() const { ::unlink(ballast().c_str()); }

bool SmallDisk::make_read_only() const {
  return ::mount(nullptr, folder_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
}

}  // namespace photoscribe::test
