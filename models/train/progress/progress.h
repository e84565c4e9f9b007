// progress: where a training run stands, beside its tensors, as a checkpoint's metadata has it.
// Private to models/train.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace photoscribe {

/// Cross entropy on cached features, self-critical training on them, everything on photos.
enum class Stage : std::uint8_t { decoder, critic, whole };
[[nodiscard]] const char* to_string(Stage stage) noexcept;
/// Throws std::runtime_error for another word.
[[nodiscard]] Stage stage_from_string(const std::string& text);

/// What the dev split said at one moment of a stage.
struct Best {
  std::int64_t step = 0, epoch = 0;  // of the stage; epoch as in curve.csv
  double bleu4 = -1, cider = -1;     // in [0, 1] and [0, 10]; below 0: nobody asked
};

struct Progress {
  Stage stage = Stage::decoder;
  std::int64_t step = 0;    // of this stage
  std::int64_t scored = 0;  // the last step of this stage that the dev split was scored at
  double best_score = -1;   // of this stage, by the score that decides
  Best best;                // of this stage
  std::int64_t epochs_since_best = 0;
  double loss_sum = 0, loss_count = 0;  // of losses or rewards since the last score
  double seconds = 0;                   // of training, over all restarts
  std::string curve;                    // curve.csv so far
  std::string ending;                   // how the run ended, for people; empty: it has not
};

using Metadata = std::map<std::string, std::string>;
[[nodiscard]] Metadata to_metadata(const Progress& progress);
/// Takes what earlier versions wrote, too. Throws std::exception when it is not of a checkpoint.
[[nodiscard]] Progress progress_of(const Metadata& said);

}  // namespace photoscribe
