#include "models/device.h"

#include <ATen/ATen.h>
#include <torch/cuda.h>

#ifdef PHOTOSCRIBE_CUDA  // set by CMake when LibTorch was built with CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#endif

namespace photoscribe {

int gpu_count() {
  return torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
}

Expected<torch::Device> parse_device(const std::string& name) {
  const int gpus = gpu_count();
  const std::string available =
      gpus == 0 ? "only cpu is available (LibTorch sees no GPU)"
                : "cpu and cuda:0 to cuda:" + std::to_string(gpus - 1) + " are available";
  const auto parsed =
      guard(Errc::invalid_config, "device " + name, [&] { return torch::Device(name); });
  const bool known = parsed && (parsed->is_cpu() || (parsed->is_cuda() && parsed->index() < gpus &&
                                                     (parsed->has_index() || gpus > 0)));
  if (!known) return fail(Errc::invalid_config, "device " + name + ": " + available);
  return parsed->is_cuda() && !parsed->has_index() ? torch::Device(torch::kCUDA, 0) : *parsed;
}

void release_cached_memory(const torch::Device& device) {
#ifdef PHOTOSCRIBE_CUDA
  if (device.is_cuda()) c10::cuda::CUDACachingAllocator::emptyCache();
#else
  static_cast<void>(device);
#endif
}

bool responds(const torch::Device& device) {
  try {
    const torch::NoGradGuard no_grad;
    return at::ones({1}, torch::TensorOptions().device(device)).add(1).item<float>() == 2.0F;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace photoscribe
