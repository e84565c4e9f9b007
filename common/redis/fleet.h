// fleet: the workers of a server, whether they serve a run or none: each reports to
// photoscribe:fleet once a second, for anyone to read.
//
// For people, and for the scheduler's warning that no worker can serve a run; no task depends on
// it. Ages are by the server's clock, which all of them share.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/core/worker_report.h"
#include "common/redis/queue_types.h"

namespace photoscribe::redis {

/// The list expires so long after the last report of any worker.
inline constexpr std::chrono::seconds kFleetExpiry{120};

/// Replaces what this worker has reported. `report`: to_json() of it.
[[nodiscard]] Awaitable<void> report_worker(Connection& connection, std::string name,
                                            std::string report);

/// At a clean stop. Succeeds where there is no report.
[[nodiscard]] Awaitable<void> withdraw_report(Connection& connection, std::string name);

/// Every worker that has reported lately, by name; reports that cannot be read, or that name
/// another worker than their own, are left out. `forget_after`: those that have been silent for
/// longer are taken off the list (0: nothing is written).
[[nodiscard]] Awaitable<std::vector<SeenWorker>> read_fleet(Connection& connection,
                                                            std::chrono::seconds forget_after = {});

}  // namespace photoscribe::redis
