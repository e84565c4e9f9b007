// device: what the rest of models/ needs of a GPU's own library. Private to models/. The one place
// with CUDA headers; without CUDA it compiles to the obvious fallbacks.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

/// "cpu", "cuda" or "cuda:N" as a device that exists. Fails with invalid_config, naming those that
/// do.
[[nodiscard]] Expected<torch::Device> parse_device(const std::string& name);

/// How many GPUs LibTorch can use here.
[[nodiscard]] int gpu_count();

/// Returns the memory that LibTorch caches to the GPU, before a smaller batch is tried.
void release_cached_memory(const torch::Device& device);

/// False when the device fails at the simplest task: its context is lost, and only a new process
/// can get another.
[[nodiscard]] bool responds(const torch::Device& device);

}  // namespace photoscribe
