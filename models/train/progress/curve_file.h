// curve_file: the scores in a run's work folder: curve.csv, and the dev captions at each of them.
// Private to models/train.
//
// curve.csv has a line for each score; BLEU in [0, 1], CIDEr-D in [0, 10] (shown times 100), the
// loss is the mean per token since the last score (stage critic: the mean reward), seconds are
// those of training. captions/STAGE-STEP.jsonl has the captions, as photoscribe score takes them,
// and references.jsonl the reference captions of the same photos.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/train/progress/evaluate.h"
#include "models/train/progress/progress.h"

namespace photoscribe {

struct ScoredStep {
  std::int64_t epoch = 0;  // of the first stage; for the others the step
  double rate = 0, loss = 0;
  const SplitScore& score;
};

/// The text of an empty curve, or an earlier version's with the current columns.
[[nodiscard]] std::string begin_curve(const std::string& before);
[[nodiscard]] std::string curve_line(const Progress& progress, const ScoredStep& at);

/// Writes curve.csv, and the captions at this step with the names of their photos.
[[nodiscard]] Status write_curve(const std::string& work, const Progress& progress,
                                 const std::vector<std::string>& names,
                                 const std::vector<std::string>& captions);

/// Writes references.jsonl: the reference captions of the dev photos, as words.
[[nodiscard]] Status write_references(const std::string& work,
                                      const std::vector<CaptionedPhoto>& dev);

/// Removes the captions of a run that starts again.
void clear_captions(const std::string& work);

}  // namespace photoscribe
