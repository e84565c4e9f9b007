// workers_here: how many worker processes this machine gets, and which devices: one worker per GPU,
// else one.
//
// photoscribe links no CUDA: it counts device files, and asks photoscribe-worker only where there
// are several GPUs to share out.
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

/// NVIDIA GPUs whose device files are here, less those that CUDA_VISIBLE_DEVICES hides.
[[nodiscard]] int gpus_here();

/// What is left open in the configuration, decided. `gpus`: the devices that LibTorch can use, such
/// as {"cuda:0", "cuda:1"}; empty when there are none.
[[nodiscard]] WorkerPlan plan_workers(const WorkerConfig& config,
                                      const std::vector<std::string>& gpus);

/// The GPUs that photoscribe-worker can use; empty without asking it where there is one at most.
[[nodiscard]] std::vector<std::string> usable_gpus(const std::string& worker);

}  // namespace photoscribe::cli
