// train_process: photoscribe-train itself, which a test may end in the middle.
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <vector>

namespace photoscribe::test {

/// When to send which signal: at a line with this beginning, or as soon as `when` returns true.
struct Interrupt {
  std::string at_line = {};
  std::function<bool()> when = nullptr;
  int signal = SIGKILL;
};

struct Ended {
  int outcome = 0;     // exit status, or the signal that ended it
  std::string output;  // standard output and error
};

/// Runs `photoscribe-train ARGUMENTS`.
Ended run_train(const std::vector<std::string>& arguments, const Interrupt& interrupt = {});

}  // namespace photoscribe::test
