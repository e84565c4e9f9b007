// thumbnails: small JPEGs of photos for a page. The worker decodes them.
#pragma once

#include <string>
#include <vector>

#include "ops/cli/config/settings.h"

namespace photoscribe::cli {

/// The bytes of a small JPEG of each file, in order; empty if the file cannot be read any more or
/// there is no worker, which is printed to standard error.
[[nodiscard]] std::vector<std::string> make_thumbnails(const Settings& settings,
                                                       const std::vector<std::string>& files);

}  // namespace photoscribe::cli
