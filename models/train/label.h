// label: what a model's classifier of concepts sees in photos, for others to learn from. Private to
// models/train.
#pragma once

#include <string>

#include "common/core/error.h"
#include "models/format/precision.h"
#include "models/train/data/splits.h"

namespace photoscribe {

struct LabelOptions {
  std::string model;       // folder, with concepts
  CaptionSources sources;  // which photos: all with captions, or those of `split`
  std::string split;
  std::string output;  // JSON Lines, as read_concept_labels() takes them
  bool bfloat16 = false;
};

/// Writes each photo's probabilities, rounded to thousandths, under each concept's first word;
/// below kAbsentBelow as 0, which says that the thing is absent. Photos that do not decode, or
/// whose name is not UTF-8, are left out and reported. The file appears when it is complete. Fails
/// with invalid_config for an ensemble or a model without concepts, with environment when no photo
/// decodes or the disk refuses.
[[nodiscard]] Status label(const LabelOptions& options);

inline constexpr float kAbsentBelow = 0.02F;

}  // namespace photoscribe
