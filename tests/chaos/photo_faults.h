// photo_faults: what goes wrong with which photo, as a test tells it to chaos_worker.
//
// Faults exist only in that executable. The list comes in the environment, one a line:
//
//   STAGE WHAT PHOTO [once]      STAGE: reading | decoding       PHOTO: a path in its root, or *
//   network WHAT N [once]        N: the Nth batch of the process, or *
//   WHAT: kill (SIGKILL), crash (SIGSEGV), hang, slow (two seconds), tick (150 ms)
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace photoscribe::test {

inline constexpr const char* kFaultsVariable = "CHAOS_FAULTS";
/// A folder where "once" is remembered for the next process.
inline constexpr const char* kFaultsFolderVariable = "CHAOS_FAULTS_FOLDER";

struct PhotoFault {
  std::string stage, what, which;
  bool once = false;
};

/// Throws std::runtime_error on a line that it cannot read.
std::vector<PhotoFault> parse_photo_faults(std::string_view text);

}  // namespace photoscribe::test
