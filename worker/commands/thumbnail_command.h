// thumbnail_command: `photoscribe-worker thumbnails`: small JPEGs of photos, for the report's
// pages. Decoding is the worker's, so that the programs for people link no image library.
#pragma once

#include <string>
#include <vector>

#include "common/core/spec.h"

namespace photoscribe {

struct ThumbnailCommand {
  std::vector<std::string> files;
  std::string output;  // a folder that is there
  int side_px = 240;   // of the longer side, 16 to 1024
  DecodeLimits limits;
};

/// Writes OUTPUT/0.jpg, OUTPUT/1.jpg … in the order of the files; a file that does not decode has
/// none. Returns the exit status: 0, or 3 when OUTPUT cannot be written.
[[nodiscard]] int run_thumbnail_command(const ThumbnailCommand& command);

}  // namespace photoscribe
