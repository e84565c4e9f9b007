#include "tests/support/hanging_mount.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <utility>

namespace photoscribe::test {

std::optional<HangingMount> HangingMount::over(const std::string& folder) {
  const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) return std::nullopt;
  HangingMount made(folder, device);
  const std::string options =
      "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0";
  const bool mounted = unshare(CLONE_NEWNS) == 0 &&
                       mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount("hangs", folder.c_str(), "fuse", 0, options.c_str()) == 0;
  if (!mounted) return std::nullopt;
  return made;
}

HangingMount::HangingMount(std::string folder, int device)
    : folder_(std::move(folder)), device_(device) {}

HangingMount::HangingMount(HangingMount&& other) noexcept
    : folder_(std::move(other.folder_)), device_(std::exchange(other.device_, -1)) {}

void HangingMount::release() {
  if (device_ < 0) return;
  close(std::exchange(device_, -1));
  umount2(folder_.c_str(), MNT_DETACH);
}

}  // namespace photoscribe::test
