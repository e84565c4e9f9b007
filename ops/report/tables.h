// tables: a report as Markdown and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "ops/report/report.h"

namespace photoscribe::report {

/// For pages and terminals: scores out of 100, intervals, signature, counts, failures.
[[nodiscard]] std::string markdown(const Report& report);

/// Every number of the report. BLEU and ROUGE-L in [0, 1], CIDEr-D in [0, 10]; intervals are
/// [low, high]. Invalid UTF-8 in names is replaced. Without thumbnails.
[[nodiscard]] nlohmann::json to_json(const Report& report);

/// A reliability curve and its figures, all in [0, 1].
[[nodiscard]] nlohmann::json to_json(const Reliability& reliability);

/// Why METEOR and SPICE are not among the scores.
inline constexpr const char* kAbsentScores =
    "METEOR and SPICE are left out: their reference implementations are Java programs.";

/// What the three scores about objects mean.
inline constexpr const char* kChairNote =
    "CHAIRs: share of captions that name an object that no reference names or implies; CHAIRi: "
    "share of such objects among those named; recall: share of the objects named by three "
    "references that the caption names (Rohrbach et al. 2018, without segmentations).";

/// "< 0.001" or "0.042": the p value of a comparison, as papers print it.
[[nodiscard]] std::string p_value(double p);

/// "58.5": a score in [0, 1] out of 100.
[[nodiscard]] std::string percent(double score);

}  // namespace photoscribe::report
