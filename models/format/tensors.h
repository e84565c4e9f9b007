// tensors: LibTorch's view of a safetensors file. Private to models/.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>

#include "common/core/error.h"

namespace photoscribe {

using TensorMap = std::map<std::string, torch::Tensor>;

/// Every array of `path` as a tensor with its own memory; floating-point ones as float32, I64 as
/// int64; I8 times its rows' scales, as narrow_rows() made them, as float32.
[[nodiscard]] Expected<TensorMap> load_tensors(const std::string& path);

/// Puts a table (R,…) into `tensors` in eight bits: `name` holds integers from -127 to 127, and
/// `name`.scale (R) float32 the factor of each row: its largest magnitude / 127, in 16 bits. What
/// load_tensors() makes of them gives the same again.
void narrow_rows(TensorMap& tensors, const std::string& name, const torch::Tensor& table);

/// Multiplies what narrow_rows() made by its scales, and removes these.
void widen_rows(TensorMap& tensors);

/// Writes `tensors` as they are (float32, half, bfloat16, int64 or int8, any device and layout).
[[nodiscard]] Status save_tensors(const std::string& path, const TensorMap& tensors,
                                  const std::map<std::string, std::string>& metadata = {});

/// The tensor `name` with exactly `shape`. Throws std::runtime_error that names it otherwise.
[[nodiscard]] torch::Tensor take(const TensorMap& tensors, const std::string& name,
                                 c10::IntArrayRef shape);

}  // namespace photoscribe
