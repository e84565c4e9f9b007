// join: whether a worker can serve a run at all, and what it lacks. Pure.
//
// The worker asks it before it joins; the scheduler and whoever looks at a run ask it of what
// workers report, so that all of them give the same reason.
#pragma once

#include <optional>
#include <string>

#include "common/core/spec.h"
#include "common/core/worker_report.h"

namespace photoscribe {

/// Nothing when it can; else one line that says what the run asks for, what the worker has and what
/// to do.
[[nodiscard]] std::optional<std::string> why_not_join(const RunSpec& spec,
                                                      const WorkerReport& worker);

}  // namespace photoscribe
