// hanging_mount: a real mount whose server does not answer, as a dead NFS server's.
//
// A FUSE file system that nobody serves: every call that touches it blocks in the kernel until
// release(). Mounted in a mount namespace of the calling thread (and of those that it starts
// afterwards), so nothing is left behind, whatever happens to the test. Needs root and /dev/fuse.
#pragma once

#include <optional>
#include <string>

namespace photoscribe::test {

class HangingMount {
 public:
  /// Over `folder`, which shows again after release(). None, where this is not allowed.
  [[nodiscard]] static std::optional<HangingMount> over(const std::string& folder);
  HangingMount(HangingMount&& other) noexcept;
  HangingMount& operator=(HangingMount&&) = delete;
  ~HangingMount() { release(); }
  /// Lets every blocked call fail, and takes the mount away.
  void release();

 private:
  HangingMount(std::string folder, int device);
  std::string folder_;
  int device_ = -1;
};

}  // namespace photoscribe::test
