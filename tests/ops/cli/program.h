// program: the executable photoscribe, run as a person would run it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ops/cli/run/child_output.h"

namespace photoscribe::cli {

inline std::string program() { return PHOTOSCRIBE_BIN_DIR "/photoscribe"; }

/// Runs photoscribe with these words, in an environment without settings of the tester's own.
inline ChildOutput photoscribe(const std::vector<std::string>& words,
                               const std::vector<std::string>& environment = {}) {
  std::vector<std::string> all{"env", "-i", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  all.insert(all.end(), environment.begin(), environment.end());
  all.push_back(program());
  all.insert(all.end(), words.begin(), words.end());
  const Expected<ChildOutput> output = run_child(all, std::chrono::seconds(50));
  EXPECT_TRUE(output) << (output ? "" : output.error().message);
  return output.value_or(ChildOutput{"", "", -1});
}

}  // namespace photoscribe::cli
