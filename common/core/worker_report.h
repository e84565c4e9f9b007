// worker_report: what a worker reports once a second, whether it serves a run or not.
//
// It travels through Redis (common/redis/fleet.h) to the scheduler and to people: a run that nobody
// can serve is to be seen, and what each worker lacks. Nothing else hangs on it: who has which task
// is the queue's. What comes back from Redis is checked, and its texts are anybody's.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/spec.h"

namespace photoscribe {

struct WorkerReport {
  std::string name;  // as a consumer; unique
  std::string host;
  std::int64_t pid = 0;
  int protocol_version = kProtocolVersion;
  int preprocessing_version = kPreprocessingVersion;
  std::string model_hash, model_name;
  std::vector<std::string> devices;          // "cpu", "cuda:0" …
  std::map<std::string, std::string> roots;  // name → why it is not read now; empty: it is
  bool starting = false;                     // it opens its model
  std::string not_ready;                     // one line; empty: it takes work
  std::int64_t photos = 0;                   // finished since it began
  double cpu_s = 0;                          // of its process, likewise; 0: an older one
  double photos_per_s = 0;                   // over the last half minute
  bool operator==(const WorkerReport&) const = default;
};

/// A report, and how long ago it was made.
struct SeenWorker {
  WorkerReport report;
  std::chrono::milliseconds age{0};
  bool operator==(const SeenWorker&) const = default;
};

[[nodiscard]] std::string to_json(const WorkerReport& report);
/// Fails with bad_payload on what is none, or is larger than any report.
[[nodiscard]] Expected<WorkerReport> parse_worker_report(std::string_view json);

/// "<milliseconds> <report>", one line.
[[nodiscard]] std::string to_line(const SeenWorker& worker);
[[nodiscard]] Expected<SeenWorker> parse_seen_worker(std::string_view line);

/// The digits of a model's hash that people are shown.
[[nodiscard]] inline std::string short_hash(const std::string& hash) { return hash.substr(0, 12); }

}  // namespace photoscribe
