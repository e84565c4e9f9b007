// doctor_checks: one function per thing that can be wrong with a machine, each with its cure.
//
// Pure or nearly so: they look, and change nothing that stays.
#pragma once

#include <string>
#include <vector>

#include "common/core/config.h"

namespace photoscribe::cli {

enum class CheckHealth : std::uint8_t { good, warning, bad };

struct Check {
  std::string name;  // one or two words
  CheckHealth health = CheckHealth::good;
  std::string finding;  // what is there
  std::string cure;     // what to do; empty when good
};

/// The folder of the database: file system, permission, whether the database opens, who writes it.
[[nodiscard]] std::vector<Check> check_database(const Config& config);
/// Room on the database's disk.
[[nodiscard]] Check check_disk(const Config& config);
/// The model's folder, without loading weights.
[[nodiscard]] Check check_model(const Config& config);
/// The private server's binary, or the server at redis.url: version, role, eviction policy.
[[nodiscard]] Check check_redis(const Config& config);
/// What photoscribe-worker says about BLAS, devices and the model (`photoscribe-worker check`).
[[nodiscard]] std::vector<Check> check_worker(const Config& config);
/// Open files that a process may have.
[[nodiscard]] Check check_open_files();

/// The parsed answer of `photoscribe-worker check --json` as checks; `gpus` are those that the
/// machine has.
[[nodiscard]] std::vector<Check> worker_checks_from(const std::string& json, int gpus);
/// The answer of `redis-server --version`; empty version when it is none.
[[nodiscard]] std::string redis_version_from(const std::string& text);

}  // namespace photoscribe::cli
