// nobody_serves: why no worker, of those there are, can serve a run. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/core/spec.h"
#include "common/core/worker_report.h"

namespace photoscribe {

/// A worker whose last report is older is absent: reports come once a second.
inline constexpr std::chrono::seconds kPresentWithin{5};

[[nodiscard]] inline bool is_present(const SeenWorker& worker) {
  return worker.age <= kPresentWithin;
}

/// Whether this worker takes photos of the run, or will as soon as it has opened its model.
[[nodiscard]] bool can_serve(const RunSpec& spec, const SeenWorker& worker);

/// Why no worker can serve this run, in one line without numbers that change by themselves:
/// what it needs, and what each worker lacks. None: some worker can.
[[nodiscard]] std::optional<std::string> why_nobody_serves(const RunSpec& spec,
                                                           const std::vector<SeenWorker>& fleet);

}  // namespace photoscribe
