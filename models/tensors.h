// tensors: LibTorch's view of a safetensors file. Private to models/.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>

#include "common/core/error.h"

namespace photoscribe {

using TensorMap = std::map<std::string, torch::Tensor>;

/// Every array of `path` as a tensor of its own memory; floating ones as float32, I64 as int64.
[[nodiscard]] Expected<TensorMap> load_tensors(const std::string& path);

/// Writes `tensors` as they are (float32, half, bfloat16 or int64, any device and layout).
[[nodiscard]] Status save_tensors(const std::string& path, const TensorMap& tensors,
                                  const std::map<std::string, std::string>& metadata = {});

/// The tensor `name` with exactly `shape`. Throws std::runtime_error that names it otherwise.
[[nodiscard]] torch::Tensor take(const TensorMap& tensors, const std::string& name,
                                 c10::IntArrayRef shape);

}  // namespace photoscribe
