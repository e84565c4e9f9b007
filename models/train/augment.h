// augment: the photos of a batch as the network sees them while it learns. Private to models/train.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "models/train/fit.h"
#include "models/train/loss.h"

namespace photoscribe {

/// (P,3,S,S) normalised pixels of the batch's photos (`paths` of the whole split): flipped where
/// the batch says so, shifted by up to 8 px with the border repeated, brightness and contrast
/// changed by up to 15 %. What happens depends on seed and step alone.
[[nodiscard]] torch::Tensor augmented_photos(const FitOptions& options,
                                             const std::vector<std::string>& paths,
                                             const Batch& batch, std::int64_t step);

}  // namespace photoscribe
