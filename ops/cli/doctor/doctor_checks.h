// doctor_checks: one function per thing that can be wrong with a machine, each with its fix.
//
// They read only, and change nothing.
#pragma once

#include <string>
#include <vector>

#include "common/core/config.h"

namespace photoscribe::cli {

enum class CheckHealth : std::uint8_t { good, warning, bad };

struct Check {
  std::string name;  // one or two words
  CheckHealth health = CheckHealth::good;
  std::string finding;  // what was found
  std::string cure;     // what to do; empty when good
};

/// The database's folder: its file system and permissions, whether the database opens, and which
/// process writes it.
[[nodiscard]] std::vector<Check> check_database(const Config& config);
/// Free space on the database's disk.
[[nodiscard]] Check check_disk(const Config& config);
/// The model's folder, without loading weights.
[[nodiscard]] Check check_model(const Config& config);
/// The private server's binary, or the server at redis.url: version, role, eviction policy.
[[nodiscard]] Check check_redis(const Config& config);
/// What `photoscribe-worker check` reports about BLAS, devices and the model.
[[nodiscard]] std::vector<Check> check_worker(const Config& config);
/// The limit on open files.
[[nodiscard]] Check check_open_files();

/// The output of `photoscribe-worker check --json` as checks; `gpus`: how many the machine has.
[[nodiscard]] std::vector<Check> worker_checks_from(const std::string& json, int gpus);
/// The version in the output of `redis-server --version`; empty when it has none.
[[nodiscard]] std::string redis_version_from(const std::string& text);

}  // namespace photoscribe::cli
