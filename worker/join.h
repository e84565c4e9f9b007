// join: whether this worker can serve a run at all. Pure.
#pragma once

#include <optional>
#include <string>

#include "common/core/spec.h"
#include "worker/open_beneath.h"

namespace photoscribe {

/// Nothing when it can; else one line that says what the run asks for, what is here and what to do.
[[nodiscard]] std::optional<std::string> why_not_join(const RunSpec& spec,
                                                      const std::string& model_hash,
                                                      const Roots& roots);

}  // namespace photoscribe
