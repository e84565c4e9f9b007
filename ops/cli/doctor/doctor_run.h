// doctor_run: checks one run: its rows in the database, its photos on disk, its tasks in Redis.
#pragma once

#include <string>
#include <vector>

#include "common/core/config.h"
#include "ops/cli/doctor/doctor_checks.h"

namespace photoscribe::cli {

/// Compares the three and, with `mend`, repairs the database. What is missing in Redis is enqueued
/// again by the running scheduler or the next one; changed photos are left to the next scan.
[[nodiscard]] std::vector<Check> check_one_run(const Config& config, const std::string& run,
                                               bool mend);

}  // namespace photoscribe::cli
