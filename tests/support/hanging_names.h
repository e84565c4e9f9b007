// hanging_names: a name server that does not answer, for one test.
//
// Stands in front of the C library's getaddrinfo in the test's executable: looking up kHangingHost
// blocks for as long as a HangingNames lives; every other name goes to the system's resolver.
#pragma once

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

}  // namespace photoscribe::test
