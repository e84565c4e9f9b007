// thumbnails: small JPEGs of photos for a page. Decoding is the worker's: this asks it.
#pragma once

#include <string>
#include <vector>

#include "ops/cli/config/settings.h"

namespace photoscribe::cli {

/// The bytes of a small JPEG of each file, in order; empty where there is none: the file cannot be
/// read any more, or there is no worker, as standard error says.
[[nodiscard]] std::vector<std::string> make_thumbnails(const Settings& settings,
                                                       const std::vector<std::string>& files);

}  // namespace photoscribe::cli
