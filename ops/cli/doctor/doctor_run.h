// doctor_run: what is wrong with one run: its rows in the database, its photos on disk, its tasks
// in Redis.
#pragma once

#include <string>
#include <vector>

#include "common/core/config.h"
#include "ops/cli/doctor/doctor_checks.h"

namespace photoscribe::cli {

/// Compares the three and, with `mend`, repairs the database; what Redis lacks, the next scheduler
/// (or the running one) enqueues again, and changed photos are left to the next scan.
[[nodiscard]] std::vector<Check> check_one_run(const Config& config, const std::string& run,
                                               bool mend);

}  // namespace photoscribe::cli
