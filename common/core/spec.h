// spec: the settings of one run that a worker must share, as they stand in Redis
// (`photoscribe:{INC}:spec`).
//
// Roots are names only: folders come from the worker's own command line, so that a forged spec
// cannot open "/" (design.md 4, 11). The structs are the one owner of every default.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/run_settings.h"
#include "common/core/wire.h"

namespace photoscribe {

struct LeaseSettings {
  int lease_ms = 30'000;   // a holder whose counter stands still this long is dead
  int beat_ms = 3'000;     // how often a worker's counter moves
  int max_deliveries = 3;  // the third attempt still happens
  bool operator==(const LeaseSettings&) const = default;
};

struct RunSpec {
  int protocol_version = kProtocolVersion;
  std::string run;       // the run's name, for people
  RunSettings settings;  // all but the scheduler's and the database's own
  LeaseSettings lease;
  bool remembers = true;           // results are shared by photos with the same bytes (:seen)
  std::vector<std::string> roots;  // names
};

/// Equal for workers: what they are not told may differ.
[[nodiscard]] bool operator==(const RunSpec& a, const RunSpec& b);

/// Part of a spec's table, and of the configuration's.
[[nodiscard]] std::vector<SettingField> lease_fields(LeaseSettings& lease);

[[nodiscard]] std::string to_json(const RunSpec& spec);
/// Fails with bad_payload on a missing or unknown field, a wrong type or a value out of range.
[[nodiscard]] Expected<RunSpec> parse_spec(std::string_view json);

}  // namespace photoscribe
