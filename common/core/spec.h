// spec: the settings of one run that a worker must share, as they stand in Redis
// (`photoscribe:{INC}:spec`).
//
// Roots are names only: folders come from the worker's own command line, so that a forged spec
// cannot open "/" (design.md 4, 11). The struct is the one owner of every default here.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/blur.h"
#include "common/core/error.h"
#include "common/core/wire.h"

namespace photoscribe {

[[nodiscard]] Expected<BlurMode> blur_mode_from_string(std::string_view name);

struct SearchSettings {
  int beam = 3;  // 1: greedy
  double length_alpha =
      0.7;              // hypotheses are ranked by log_prob / tokens^alpha; 0: no normalisation
  int tokens_max = 22;  // words of a caption, at most
  bool operator==(const SearchSettings&) const = default;
};

/// Caps that are checked before memory is allocated.
struct DecodeLimits {
  std::int64_t pixels_max = 256'000'000;
  std::int64_t file_bytes_max = 1'073'741'824;
  int image_timeout_s = 60;  // a photo past it: failed/timeout, and the worker is replaced
  bool operator==(const DecodeLimits&) const = default;
};

struct LeaseSettings {
  int lease_ms = 30'000;   // a holder whose counter stands still this long is dead
  int beat_ms = 3'000;     // how often a worker's counter moves
  int max_deliveries = 3;  // the third attempt still happens
  bool operator==(const LeaseSettings&) const = default;
};

/// Raised whenever the same bytes would give the network other pixels or the blur check another
/// score.
inline constexpr int kPreprocessingVersion = 1;

/// Of near_duplicates: half of 64 is what unrelated photos differ in.
inline constexpr int kNearDuplicatesMax = 16;

struct RunSpec {
  int protocol_version = kProtocolVersion;
  int preprocessing_version = kPreprocessingVersion;
  std::string run;  // the run's name, for people
  std::string
      model_hash;  // hex SHA-256 (model_folder.h); a worker with another model does not join
  SearchSettings search;
  BlurSettings blur;
  DecodeLimits limits;
  LeaseSettings lease;
  /// A clear photo takes the caption of one that looks nearly the same: whose perceptual hash
  /// differs in so many of 64 bits at most (perceptual_hash.h). 0: none does.
  int near_duplicates = 0;
  bool remembers = true;           // results are shared by photos with the same bytes (:seen)
  std::vector<std::string> roots;  // names
  bool operator==(const RunSpec&) const = default;
};

[[nodiscard]] std::string to_json(const RunSpec& spec);
/// Fails with bad_payload on a missing or unknown field, a wrong type or a value out of range.
[[nodiscard]] Expected<RunSpec> parse_spec(std::string_view json);

}  // namespace photoscribe
