// curve_page: trainings as one self-contained HTML file, as JSON, and as a short table. Pure: from
// what was read to text. Private to models/train.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "models/train/progress/curve.h"

namespace photoscribe {

/// Charts of loss, reward, scores and rate over steps and of scores over time, a table of all
/// scores, and how the captions of at most `photos_max` dev photos changed, beside their
/// references.
[[nodiscard]] std::string curve_page(const std::vector<TrainingWork>& works, std::size_t photos_max,
                                     const std::string& made_at);

/// Every number, note, caption and reference; CIDEr-D in [0, 10], null if unknown.
[[nodiscard]] nlohmann::json curve_json(const std::vector<TrainingWork>& works);

/// For a terminal: one line per training, with the score that is kept.
[[nodiscard]] std::string curve_table(const std::vector<TrainingWork>& works);

}  // namespace photoscribe
