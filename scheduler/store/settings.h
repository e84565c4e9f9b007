// settings: a run's settings (run_settings.h) as JSON in table `run_settings`, and how two of them
// differ.
#pragma once

#include <string>
#include <string_view>

#include "common/core/error.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

[[nodiscard]] std::string to_json(const RunSettings& settings);
/// Fails with store_failure: only a damaged database has anything but what to_json wrote.
[[nodiscard]] Expected<RunSettings> parse_settings(std::string_view json);

/// How `wanted` differs from `stored` in what alters results, for a person: "beam 3 (now 5), model
/// …". Empty when results agree but for the verdicts: the blur check's mode and threshold and what
/// makes captions unsure are rejudged from stored scores.
[[nodiscard]] std::string result_altering_difference(const RunSettings& stored,
                                                     const RunSettings& wanted);

/// Whether a photo gets under both what it would get were there no other photos.
[[nodiscard]] bool same_results_alone(const RunSettings& a, const RunSettings& b);

/// True when scores of both are of one size in every mode, so that one rule can judge them.
[[nodiscard]] bool same_blur_sizes(const BlurSettings& a, const BlurSettings& b) noexcept;

}  // namespace photoscribe
