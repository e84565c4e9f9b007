// blur_command: `photoscribe-worker blur FILE…`: blur scores of single files, and nothing else.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "common/core/spec.h"

namespace photoscribe {

struct BlurCommand {
  std::vector<std::string> files;
  bool json = false;  // one JSON object per file and line, with the scores of every mode
  BlurSettings settings;
  DecodeLimits limits;
};

/// One line per file, in order. Returns the exit status: 0, or 1 when any file failed.
[[nodiscard]] int run_blur_command(const BlurCommand& command, std::ostream& out);

}  // namespace photoscribe
