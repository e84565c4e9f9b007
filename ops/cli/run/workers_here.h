// workers_here: how many worker processes this machine gets, and which devices: one worker per GPU,
// else one.
//
// photoscribe does not link CUDA: it counts device files, and asks photoscribe-worker only if there
// are several GPUs to distribute.
#pragma once

#include <string>
#include <vector>

#include "common/core/config.h"

namespace photoscribe::cli {

struct WorkerPlan {
  int count = 1;
  std::string devices = "auto";  // for all of them together, as RunRequest has it
  bool operator==(const WorkerPlan&) const = default;
};

/// The number of NVIDIA GPUs with device files, less those that CUDA_VISIBLE_DEVICES hides.
[[nodiscard]] int gpus_here();

/// Decides what the configuration leaves open. `gpus`: the devices that LibTorch can use, such as
/// {"cuda:0", "cuda:1"}; empty if there are none.
[[nodiscard]] WorkerPlan plan_workers(const WorkerConfig& config,
                                      const std::vector<std::string>& gpus);

/// The GPUs that photoscribe-worker can use; with at most one in the machine, empty without asking.
[[nodiscard]] std::vector<std::string> usable_gpus(const std::string& worker);

}  // namespace photoscribe::cli
