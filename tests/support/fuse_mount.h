// fuse_mount: how tests mount a file system that they serve themselves, or leave unserved.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

namespace photoscribe::test {

/// Mounts `name` at `place`, in a mount namespace of this process's own, so that nothing is left
/// when it is killed. The device on which the kernel asks, which the caller closes; -1 where this
/// is not allowed.
[[nodiscard]] inline int mount_fuse(const char* name, const std::string& place, unsigned long flags,
                                    const std::string& more_options = {}) {
  const int device = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) return -1;
  const std::string options =
      "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0" + more_options;
  if (::unshare(CLONE_NEWNS) == 0 &&
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
      ::mount(name, place.c_str(), "fuse", flags, options.c_str()) == 0)
    return device;
  ::close(device);
  return -1;
}

}  // namespace photoscribe::test
