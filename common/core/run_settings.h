// run_settings: what the results of a run depend on. The one struct of it: the configuration, a
// request, the run's row in the database and the spec in Redis hold it whole, and whoever hands a
// run on names none of its members.
//
// A new setting is a member here, its line in setting_fields() and the code that obeys it; a flag
// of the command line where it deserves one (CONTRIBUTING.md). The struct owns the defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/blur.h"
#include "common/core/confidence.h"
#include "common/core/error.h"
#include "common/core/setting_field.h"

namespace photoscribe {

[[nodiscard]] Expected<BlurMode> blur_mode_from_string(std::string_view name);

struct SearchSettings {
  int beam = 3;  // 1: greedy
  double length_alpha =
      0.7;              // hypotheses are ranked by log_prob / tokens^alpha; 0: no normalisation
  int tokens_max = 22;  // words of a caption, at most
  /// What is kept beside the caption: other finished ones, so many at most, and where the decoder
  /// looked for each word (AttentionMaps; 0 or 1).
  int alternatives = 0, attention = 0;
  bool operator==(const SearchSettings&) const = default;
};

/// Caps that are checked before memory is allocated.
struct DecodeLimits {
  std::int64_t pixels_max = 256'000'000;
  std::int64_t file_bytes_max = 1'073'741'824;
  int image_timeout_s = 60;  // a photo past it: failed/timeout, and the worker is replaced
  bool operator==(const DecodeLimits&) const = default;
};

/// Raised whenever the same bytes would give the network other pixels or the blur check another
/// score.
inline constexpr int kPreprocessingVersion = 1;

/// Of near_duplicates: half of 64 is what unrelated photos differ in.
inline constexpr int kNearDuplicatesMax = 16;

struct RunSettings {
  std::string
      model_hash;  // hex SHA-256 (model_folder.h); a worker with another model does not join
  BlurSettings blur;
  SearchSettings search;
  DecodeLimits limits;  // may differ between two commands: they decide only which photos fail
  /// A clear photo takes the caption of one that looks nearly the same: whose perceptual hash
  /// differs in so many of 64 bits at most (perceptual_hash.h). 0: none does.
  int near_duplicates = 0;
  double min_concept_probability = 0;  // a less probable concept is not kept; 0: all of them are
  int preprocessing_version = kPreprocessingVersion;

  // The scheduler's and the database's alone: no worker is told.
  std::string model_name;  // for people; may differ between two commands of the same run
  std::optional<ConfidenceModel> confidence;  // judges captions; alters none
  double min_confidence = 0;                  // a caption below it is unsure; 0: none is
  bool operator==(const RunSettings&) const = default;
};

/// The table of all settings, in the order of the configuration's file. They point into `settings`,
/// which must outlive them.
[[nodiscard]] std::vector<SettingField> setting_fields(RunSettings& settings);

}  // namespace photoscribe
