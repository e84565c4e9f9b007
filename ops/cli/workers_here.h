// workers_here: how many worker processes this machine gets when nobody says: one per GPU, else
// one.
//
// Looks at device files only: photoscribe links no CUDA.
#pragma once

#include <string>

namespace photoscribe::cli {

/// NVIDIA GPUs whose device files are here, less those that CUDA_VISIBLE_DEVICES hides.
[[nodiscard]] int gpus_here();

/// `devices`: auto, cpu or a list such as cuda:0,cuda:1.
[[nodiscard]] int workers_here(const std::string& devices);

}  // namespace photoscribe::cli
