// progress: the state of a training run, apart from its tensors, as in a checkpoint's metadata.
// Private to models/train.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace photoscribe {

/// Cross entropy on cached features, self-critical training on them, everything on photos.
enum class Stage : std::uint8_t { decoder, critic, whole };
[[nodiscard]] const char* to_string(Stage stage) noexcept;
/// Throws std::runtime_error for any other word.
[[nodiscard]] Stage stage_from_string(const std::string& text);

/// The scores of the dev split at one point of a stage.
struct Best {
  std::int64_t step = 0, epoch = 0;  // of the stage; epoch as in curve.csv
  double bleu4 = -1, cider = -1;     // in [0, 1] and [0, 10]; below 0: unknown
};

struct Progress {
  Stage stage = Stage::decoder;
  std::int64_t step = 0;    // of this stage
  std::int64_t scored = 0;  // the last step of this stage at which the dev split was scored
  double best_score = -1;   // of this stage, by FitOptions::select_by
  Best best;                // of this stage
  std::int64_t epochs_since_best = 0;
  double loss_sum = 0, loss_count = 0;  // of losses or rewards since the last score
  double seconds = 0;                   // of training, over all restarts
  std::string curve;                    // curve.csv so far
  std::string ending;                   // how the run ended, in words; empty: it has not
};

using Metadata = std::map<std::string, std::string>;
[[nodiscard]] Metadata to_metadata(const Progress& progress);
/// Also reads what earlier versions wrote. Throws std::exception when it is not a checkpoint's.
[[nodiscard]] Progress progress_of(const Metadata& metadata);

}  // namespace photoscribe
