// caption_json: what is kept with a caption as JSON, for the page and for exports (ops/cli/run).
// Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "common/core/types.h"

namespace photoscribe::serve {

/// [{"caption", "log_prob", "tokens"}], in the order given.
[[nodiscard]] nlohmann::ordered_json alternatives_json(
    const std::vector<Alternative>& alternatives);

/// One object; the names are those of CaptionEvidence.
[[nodiscard]] nlohmann::ordered_json evidence_json(const CaptionEvidence& evidence);

}  // namespace photoscribe::serve
