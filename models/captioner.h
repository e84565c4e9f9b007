// captioner: images in, captions out. The only header of models/ that other folders include; no
// LibTorch in it.
//
// One captioner belongs to one thread and one device. It knows nothing of files, blur or Redis.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/spec.h"
#include "common/core/types.h"
#include "models/format/precision.h"

namespace photoscribe {

class Captioner {
 public:
  virtual ~Captioner() = default;

  /// Width and height in pixels of the square RGB images that caption() takes.
  [[nodiscard]] virtual int input_side_px() const = 0;

  /// One caption per image, in order. `batch` may be empty; every image is RGB and input_side_px()
  /// square. Fails as a whole with model_failure (the caller bisects to find the bad image),
  /// device_memory (the caller tries a smaller batch) or environment (the device no longer
  /// responds, for any photo: the caller hands its work back and exits).
  virtual Expected<std::vector<Caption>> caption(std::span<const DecodedImage* const> batch) = 0;

  /// "float32", "bfloat16", "int8" or "float16": the precision of the network's products, for logs.
  [[nodiscard]] virtual std::string_view precision() const { return "float32"; }
};

struct CaptionerConfig {
  std::string model_folder;
  std::string device = "cpu";  // "cpu", "cuda:0" …
  int threads = 0;             // CPU threads of the network; 0: LibTorch's default
  SearchSettings search;
  Precision precision = Precision::float32;  // on a CPU
};

/// Loads the model and warms it up. Precision::automatic tries what precisions_to_try() says and
/// keeps the fastest (trial_cost_s). Fails with model_failure or invalid_config,
/// saying what to do.
[[nodiscard]] Expected<std::unique_ptr<Captioner>> open_captioner(const CaptionerConfig& config);

/// For the first line of main() of a program that captions on a CPU. Both of these libraries read
/// their settings before main(), so the program restarts itself, once, with them set; returns when
/// there is nothing to set, for example because a parent has set them already.
///
/// OPENBLAS_CORETYPE: if OpenBLAS does not know the processor (newer than the library), it uses its
/// slowest kernels: 29 instead of 235 GFLOP/s, measured.
/// OMP_WAIT_POLICY=passive: threads that wait for each other sleep instead of spinning; with other
/// work on the same cores (decoding, a second worker) spinning took 109 ms of CPU a photo, this 16.
void choose_blas_kernels(char** argv);

/// The devices that `--devices auto` means on this machine: every GPU, else "cpu".
[[nodiscard]] std::vector<std::string> available_devices();

}  // namespace photoscribe
