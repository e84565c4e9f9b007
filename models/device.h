// device: what the rest of models/ has to ask a GPU's own library, and nothing else. Private to
// models/. The one place with CUDA headers; without CUDA it compiles to the obvious answers.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

/// "cpu", "cuda" or "cuda:N" as a device that is there. Fails with invalid_config, saying which
/// are.
[[nodiscard]] Expected<torch::Device> parse_device(const std::string& name);

/// How many GPUs LibTorch can use here.
[[nodiscard]] int gpu_count();

/// Gives memory that LibTorch keeps for later back to the GPU: before a smaller batch is tried.
void release_cached_memory(const torch::Device& device);

/// False when the device fails at the simplest task: its context is lost, and only a new process
/// gets another.
[[nodiscard]] bool responds(const torch::Device& device);

}  // namespace photoscribe
