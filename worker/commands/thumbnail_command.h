// thumbnail_command: `photoscribe-worker thumbnails`: small JPEGs of photos, for pages. Decoding is
// the worker's, so that the programs for people link no image library.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "common/core/remote_settings.h"
#include "common/core/spec.h"

namespace photoscribe {

struct ThumbnailCommand {
  std::vector<std::string> files;
  std::string output;  // a folder that is there
  int side_px = 240;   // of the longer side, 16 to 1024
  DecodeLimits limits;
  RemoteSettings remote;  // how photos of web servers are fetched
};

/// Writes OUTPUT/0.jpg, OUTPUT/1.jpg … in the order of the files; a file that does not decode has
/// none. Returns the exit status: 0, or 3 when OUTPUT cannot be written.
[[nodiscard]] int run_thumbnail_command(const ThumbnailCommand& command);

/// The same for `photoscribe serve`, which asks for one after the other: reads "SIDE PATH" and a
/// NUL, answers with the JPEG's bytes behind their number and a newline ("0" for none), until the
/// input ends. A request that is none ends it with status 2.
[[nodiscard]] int run_thumbnail_server(const DecodeLimits& limits, const RemoteSettings& remote,
                                       std::istream& in, std::ostream& out);

}  // namespace photoscribe
