// int8_scales: the quantisation step of each layer's 8-bit output, and its file in a model's
// folder. Private to models/. No LibTorch.
//
// The file, int8.safetensors, holds a number for each convolution of the encoder, and one for the
// photos. It belongs to the weights that it was made for and holds their model's hash; captions in
// float32 do not depend on it, so the model's own hash leaves it out.
#pragma once

#include <map>
#include <string>

#include "common/core/error.h"

namespace photoscribe {

inline constexpr const char* kInt8File = "int8.safetensors";

struct Int8Scales {
  std::map<std::string, float> by_layer;  // name of a convolution -> its step; above 0, finite
  float photos = 0;                       // of the normalised pixels
  [[nodiscard]] bool empty() const noexcept { return by_layer.empty(); }
};

/// Reads the file of `folder`, whose model has the hash `model`; empty scales if there is no file.
/// Fails with model_failure, naming the file and what to do, when it is damaged (it carries a
/// checksum), not what write_int8_scales() writes, or was made for another model.
[[nodiscard]] Expected<Int8Scales> read_int8_scales(const std::string& folder,
                                                    const std::string& model);

/// Writes it, whole or not at all. Fails with environment.
[[nodiscard]] Status write_int8_scales(const std::string& folder, const std::string& model,
                                       const Int8Scales& scales);

}  // namespace photoscribe
