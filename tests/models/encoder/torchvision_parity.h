// torchvision_parity: a trunk against torchvision's own, through a .pth file and import.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "models/encoder/fast_encoder.h"
#include "models/train/import/import.h"
#include "models/train/import/state_dict.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::test {

inline torch::Tensor read_floats(const std::string& path, const std::vector<std::int64_t>& shape) {
  torch::Tensor tensor = at::empty(shape);
  std::ifstream file(path, std::ios::binary);
  file.read(static_cast<char*>(tensor.data_ptr()), static_cast<std::streamsize>(tensor.nbytes()));
  EXPECT_TRUE(file) << path;
  return tensor;
}

/// Runs torchvision_reference.py; false: torchvision is not installed.
inline bool make_reference(const std::string& architecture, const std::string& folder,
                           const std::string& weights) {
  const std::string command = "/usr/bin/python3 " PHOTOSCRIBE_SOURCE_DIR
                              "/tests/models/encoder/torchvision_reference.py '" +
                              architecture + "' " + folder + " " + weights;
  const int status = std::system(command.c_str());
  if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127) return false;
  EXPECT_EQ(status, 0) << command;
  return true;
}

inline void compare_with_torchvision(const std::string& architecture,
                                     const std::string& weights = "") {
  const TempDir folder;
  if (!make_reference(architecture, folder.path().string(), weights))
    GTEST_SKIP() << "python3-torchvision is not installed";
  const auto state = read_state_dict(folder.file("state.pth"));
  ASSERT_TRUE(state) << state.error().message;
  const auto made = import_encoder(state->tensors, architecture, norm_epsilon(architecture));
  ASSERT_TRUE(made) << made.error().message;
  for (const std::string& name : made->left_over) {
    const bool expected = name.starts_with("fc.") || name.starts_with("classifier.") ||
                          name.ends_with("num_batches_tracked") ||
                          (architecture.find('@') != std::string::npos);
    EXPECT_TRUE(expected) << name;
  }

  const torch::NoGradGuard no_grad;
  const Encoder encoder(architecture, made->tensors);
  const torch::Tensor images = read_floats(folder.file("input"), {2, 3, 96, 96});
  const torch::Tensor expected =
      read_floats(folder.file("features"), {2, feature_channels(encoder.layers()), 3, 3});
  const torch::Tensor plain = encoder.forward(images);
  const torch::Tensor fast = FastEncoder(encoder, 96)
                                 .forward(images.permute({0, 2, 3, 1}).contiguous())
                                 .transpose(1, 2)
                                 .reshape(expected.sizes());
  const double largest = expected.abs().max().item<double>();
  const double plain_off = (plain - expected).abs().max().item<double>(),
               fast_off = (fast - expected).abs().max().item<double>();
  std::printf("largest difference: plain %.3g, fast %.3g, of values up to %.3g\n", plain_off,
              fast_off, largest);
  EXPECT_GT(largest, 1e-3);
  EXPECT_LT(plain_off, 1e-4 * std::max(1.0, largest));
  EXPECT_LT(fast_off, 1e-4 * std::max(1.0, largest));
}

}  // namespace photoscribe::test
