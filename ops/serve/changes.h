// changes: the calls of the page's API that change something; only a site with `edit` has them.
#pragma once

#include <cstdint>

#include "common/http/http_message.h"
#include "ops/serve/archive.h"
#include "ops/serve/site.h"

namespace photoscribe::serve {

/// {"action": "set", "caption": …}, approve or unset.
[[nodiscard]] http::Answer change_caption(Archive& archive, const SiteOptions& options,
                                          std::int64_t image_id, const std::string& body);
/// Gives the photo another attempt, if it failed.
[[nodiscard]] http::Answer retry_photo(Archive& archive, const SiteOptions& options,
                                       std::int64_t image_id);
/// {"action": "pause" | "resume" | "cancel" | "retry", "reasons": […]}
[[nodiscard]] http::Answer steer_run(Archive& archive, const SiteOptions& options, RunId run,
                                     const std::string& body);
/// {"threshold": N}
[[nodiscard]] http::Answer change_threshold(Archive& archive, const SiteOptions& options, RunId run,
                                            const std::string& body);

}  // namespace photoscribe::serve
