// run_json: runs as the page's JSON, and as metrics. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/http/metrics_text.h"
#include "scheduler/store/browse.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::serve {

/// What changes during a run.
struct RunNow {
  RunRow run;
  RunCounts counts;
  double photos_per_s = 0;             // over the last half minute
  std::optional<std::int64_t> left_s;  // none while it is unknown
};
[[nodiscard]] nlohmann::json now_json(const RunNow& now);

/// The rest: failures, events, roots, settings.
struct RunDetails {
  StoreSummary summary;
  std::vector<StoreEvent> events;
  std::vector<RootEntry> roots;
};
[[nodiscard]] nlohmann::json details_json(const RunDetails& details);
[[nodiscard]] nlohmann::json roots_json(const std::vector<RootEntry>& roots);

/// The state of an archive, for the page and for /metrics.
struct ArchiveNow {
  std::vector<RunNow> runs;
  std::int64_t edited = 0, approved = 0;
  bool writer = false;  // a scheduler is running on it
};
void add_archive_metrics(http::MetricsText& out, const ArchiveNow& archive);

}  // namespace photoscribe::serve
