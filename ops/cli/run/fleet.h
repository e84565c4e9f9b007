// fleet: the workers that a database's scheduler or a Redis server knows, and whether they can
// serve a run.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/worker_report.h"
#include "ops/cli/run/database_option.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::cli {

/// From the scheduler that listens in the place's state folder, else from the Redis server at
/// `redis_url` (empty: none). Fails with run_gone if there is neither.
[[nodiscard]] Expected<std::vector<SeenWorker>> fetch_fleet(const DatabasePlace& place,
                                                            const std::string& redis_url);

/// why_nobody_serves() for a run in the database.
[[nodiscard]] std::optional<std::string> why_nobody_serves(const RunRow& run,
                                                           const std::vector<Root>& roots,
                                                           const std::vector<SeenWorker>& fleet);

/// A table: worker, host, devices, photos/s, last report, model, roots, and why it takes no work.
[[nodiscard]] std::string fleet_table(const std::vector<SeenWorker>& fleet);
[[nodiscard]] nlohmann::json fleet_json(const std::vector<SeenWorker>& fleet);

}  // namespace photoscribe::cli
