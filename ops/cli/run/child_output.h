// child_output: runs a program without a shell and returns what it prints.
//
// For short calls, such as doctor's of redis-server and photoscribe-worker; long-lived children are
// the scheduler's.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/core/error.h"

namespace photoscribe::cli {

struct ChildOutput {
  std::string out, err;  // the first megabyte of each
  int exit_status = 0;   // 128 + signal if one ended it
};

/// `words[0]` is looked up in PATH when it has no slash. Standard input is empty. Fails with
/// environment when the program cannot be started or is still running after `timeout` (it is killed
/// then).
[[nodiscard]] Expected<ChildOutput> run_child(const std::vector<std::string>& words,
                                              std::chrono::milliseconds timeout);

}  // namespace photoscribe::cli
