// augment: how photos are shown to the network in training. Private to models/train.
#pragma once

#include <torch/types.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "models/train/fit.h"
#include "models/train/loss/loss.h"

namespace photoscribe {

/// A crop of a photo, perhaps flipped, with changed brightness and contrast: `gain` and `offset`
/// apply to normalised values.
struct View {
  bool mirrored = false;
  double left = 0, top = 0, width = 1, height = 1;  // shares of the photo's sides
  double gain = 1, offset = 0;
};

/// A random resized crop: 60 to 100 % of the area, aspect ratio changed by up to 15 %, gain 0.85 to
/// 1.15, offset -0.15 to 0.15.
[[nodiscard]] View random_view(std::mt19937_64& random, bool mirrored);
/// View `number` of a photo's cached ones: 0 shows it as it is; 1 flipped, if photos may be flipped
/// (`mirror`); the others are random_view()s that depend on photo and number alone.
[[nodiscard]] View cached_view(std::int64_t photo, std::int64_t number, bool mirror);

/// (3,S,S) normalised pixels of that view of a photo; nothing, and a line on standard error, when
/// it does not decode.
[[nodiscard]] std::optional<torch::Tensor> read_view(const std::string& path, const View& view,
                                                     const ModelArchitecture& model);

/// (P,3,S,S): a random_view() of each of the batch's photos (`paths` of the whole split), flipped
/// where the batch says so. Depends on seed and step alone.
[[nodiscard]] torch::Tensor augmented_photos(const FitOptions& options,
                                             const std::vector<std::string>& paths,
                                             const Batch& batch, std::int64_t step);

}  // namespace photoscribe
