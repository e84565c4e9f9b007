// host_names: stands in front of the C library's getaddrinfo in the test's executable. Looking up
// kHangingHost blocks for as long as a HangingNames lives; kNamedHost is this machine, as long as
// it has a name; every other name goes to the system's resolver.
#pragma once

#include <atomic>

namespace photoscribe::test {

inline constexpr const char* kHangingHost = "hangs.invalid";

class HangingNames {
 public:
  HangingNames();
  HangingNames(const HangingNames&) = delete;
  HangingNames& operator=(const HangingNames&) = delete;
  /// Lets every blocked look-up fail, and waits until they have.
  ~HangingNames();
  /// Look-ups that are blocked now.
  [[nodiscard]] int blocked() const;
};

inline constexpr const char* kNamedHost = "photos.test";

struct NamedHost {
  std::atomic<bool> has_name{true};
  std::atomic<int> asked{0};  // look-ups so far
};
/// Of the process.
[[nodiscard]] NamedHost& named_host();

}  // namespace photoscribe::test
