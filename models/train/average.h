// average: one model from several of the same origin. Private to models/train.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/train/weights.h"

namespace photoscribe {

/// The mean of the weights of `files`, safetensors with the same names and shapes: runs that
/// continued from the same weights with other seeds or rewards lie in one basin, and their mean is
/// as good as their ensemble at the cost of one. Wortsman et al., "Model soups", ICML 2022 (the
/// uniform soup). Fails with invalid_config naming the file and the tensor that does not fit,
/// or when it has other words.
[[nodiscard]] Expected<Weights> average_weights(const std::vector<std::string>& files);

}  // namespace photoscribe
