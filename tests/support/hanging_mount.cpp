#include "tests/support/hanging_mount.h"

#include <sys/mount.h>
#include <unistd.h>

#include <utility>

#include "tests/support/fuse_mount.h"

namespace photoscribe::test {

std::optional<HangingMount> HangingMount::over(const std::string& folder) {
  const int device = mount_fuse("hangs", folder, 0);
  if (device < 0) return std::nullopt;
  return HangingMount(folder, device);
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
