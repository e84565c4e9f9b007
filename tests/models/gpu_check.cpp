// gpu_check: what only a machine with a GPU can test: that half precision there gives the features
// and captions of float32 on the CPU, that a full device is survived, and how fast it is.
//
// No test framework: a GPU machine may have nothing but CMake, a compiler and PyTorch (ops/gpu).
//   gpu_check [--device cuda:0]           checks; exit 77 without that device (skipped)
//   gpu_check --bench [--device cuda:0]   photos/s of the network alone
// --device cpu runs the same logic on the CPU.
#include <ATen/ATen.h>

#ifdef PHOTOSCRIBE_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "models/device.h"
#include "models/encoder/fast_encoder.h"
#include "models/open_model.h"

namespace photoscribe {
namespace {

int failures = 0;

void check(bool passed, const char* what) {
  std::printf("%s  %s\n", passed ? "ok    " : "FAILED", what);
  if (!passed) ++failures;
}

StoredModel model() {
  std::vector<std::string> words;
  for (int i = 0; i < 2'538; ++i) words.push_back("w" + std::to_string(i));
  return random_model(ModelArchitecture{}, *Vocabulary::make(words), 1);
}

/// Pictures of soft colour gradients, all different.
std::vector<DecodedImage> pictures(std::size_t count) {
  std::mt19937 random(7);
  const auto level = [&random] { return static_cast<double>(random() % 256); };
  std::vector<DecodedImage> images(count);
  for (DecodedImage& image : images) {
    const int side = ModelArchitecture{}.input_side_px;
    image.width_px = image.height_px = side;
    for (int c = 0; c < 3; ++c) static_cast<void>(level());
    const double base[3] = {level(), level(), level()}, across[3] = {level(), level(), level()};
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        for (int c = 0; c < 3; ++c) {
          const double wave = 40 * std::sin(0.01 * (c + 1) * x * base[(c + 1) % 3] / 64 + 0.03 * y);
          const double value = base[c] + (across[c] - base[c]) * x / side + wave;
          image.pixels.push_back(static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0)));
        }
      }
    }
  }
  return images;
}

std::vector<const DecodedImage*> pointers(const std::vector<DecodedImage>& images) {
  std::vector<const DecodedImage*> all;
  for (const DecodedImage& image : images) all.push_back(&image);
  return all;
}

std::unique_ptr<Captioner> open(const StoredModel& stored, const std::string& device, int beam) {
  CaptionerConfig config;
  config.model_folder = "random weights";
  config.device = device;
  config.search.beam = beam;
  auto captioner = make_captioner(stored, config);
  if (!captioner) {
    std::fprintf(stderr, "%s\n", captioner.error().message.c_str());
    std::exit(1);
  }
  return std::move(*captioner);
}

/// Encoder's features on the device, in its precision, against float32 on the CPU.
void check_features(const StoredModel& stored, const torch::Device& device) {
  const torch::NoGradGuard no_grad;
  TensorMap there;
  const auto type = device.is_cuda() ? torch::kFloat16 : torch::kFloat32;
  for (const auto& [name, tensor] : stored.tensors) there.emplace(name, tensor.to(device, type));
  const torch::Tensor images = at::randn({8, 224, 224, 3});
  const Encoder plain("mobilenet_v2", stored.tensors, "encoder.");
  const FastEncoder fast(Encoder("mobilenet_v2", there, "encoder."), 224);
  const torch::Tensor expected = plain.forward(images.permute({0, 3, 1, 2})).permute({0, 2, 3, 1});
  const torch::Tensor got = fast.forward(images.to(device, type)).cpu().to(torch::kFloat32);
  const torch::Tensor difference = (got - expected.flatten(1, 2)).abs();
  const double mean = difference.mean().item<double>() / expected.abs().mean().item<double>();
  std::printf("        features: largest difference %.3g, mean %.3g of the mean feature\n",
              difference.max().item<double>(), mean);
  check(mean < 0.02, "features are those of the CPU");
}

/// Words and log-probabilities against float32 on the CPU.
void check_captions(const StoredModel& stored, const std::string& device) {
  const auto images = pictures(64);
  const auto here = open(stored, "cpu", 3)->caption(pointers(images));
  const auto captioner = open(stored, device, 3);
  const auto there = captioner->caption(pointers(images));
  check(here && there, "both caption 64 pictures");
  if (!here || !there) return;
  std::size_t same = 0, alone_same = 0;
  double apart = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    same += (*here)[i].text == (*there)[i].text ? 1 : 0;
    const double tokens = std::max((*here)[i].tokens, (*there)[i].tokens) + 1;
    apart = std::max(apart, std::abs((*here)[i].log_prob - (*there)[i].log_prob) / tokens);
    const DecodedImage* const one = &images[i];
    const auto alone = captioner->caption({&one, 1});
    alone_same += alone && alone->front().text == (*there)[i].text ? 1 : 0;
  }
  std::printf(
      "        same words as the CPU: %zu of 64; alone as in the batch: %zu of 64; log-"
      "probabilities at most %.3g a word apart\n",
      same, alone_same, apart);
  check(apart < 0.05, "log-probabilities are those of the CPU");
  check(same >= 32, "most captions are the CPU's, word for word");
  check(alone_same >= 58, "a picture's words do not depend on its batch");
}

void check_full_device(const StoredModel& stored, const std::string& device) {
#ifdef PHOTOSCRIBE_CUDA
  const auto captioner = open(stored, device, 3);
  const auto images = pictures(512);
  const auto index = static_cast<c10::DeviceIndex>(torch::Device(device).index());
  release_cached_memory(torch::Device(device));
  c10::cuda::CUDACachingAllocator::setMemoryFraction(0.003, index);
  const auto full = captioner->caption(pointers(images));
  check(!full && full.error().code == Errc::device_memory, "a full device is device_memory");
  c10::cuda::CUDACachingAllocator::setMemoryFraction(1.0, index);
  check(captioner->caption(pointers(images)).has_value(), "and the next batch passes again");
#else
  static_cast<void>(stored);
  std::printf("skipped  a full device (%s): built without CUDA's headers\n", device.c_str());
#endif
}

int bench(const StoredModel& stored, const std::string& device) {
  using Clock = std::chrono::steady_clock;
  const std::size_t largest = device == "cpu" ? 32 : 1'024;
  const auto images = pictures(largest);
  for (const int beam : {1, 3}) {
    const auto captioner = open(stored, device, beam);
    for (std::size_t batch = 8; batch <= largest; batch *= 2) {
      const auto all = pointers(images);
      const std::span<const DecodedImage* const> some(all.data(), batch);
      if (!captioner->caption(some)) return 1;  // and warms up
      std::size_t photos = 0;
      const auto start = Clock::now();
      double seconds = 0;
      while ((seconds = std::chrono::duration<double>(Clock::now() - start).count()) < 2) {
        if (!captioner->caption(some)) return 1;
        photos += batch;
      }
      std::printf("%s: network alone, beam %d, batch %4zu: %.0f photos/s\n", device.c_str(), beam,
                  batch, static_cast<double>(photos) / seconds);
    }
  }
  std::printf(
      "(random weights: captions run to the full 22 words, about twice a real caption's)\n");
  return 0;
}

}  // namespace
}  // namespace photoscribe

int main(int argc, char** argv) {
  using namespace photoscribe;
  choose_blas_kernels(argv);
  std::string device = "cuda:0";
  bool benching = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--bench") == 0) {
      benching = true;
    } else if (std::strcmp(argv[i], "--device") == 0 && i + 1 < argc) {
      device = argv[++i];
    } else {
      std::fprintf(stderr, "usage: gpu_check [--bench] [--device cuda:0|cpu]\n");
      return 2;
    }
  }
  const auto parsed = parse_device(device);
  if (!parsed) {
    std::printf("skipped: %s\n", parsed.error().message.c_str());
    return 77;
  }
  const StoredModel stored = model();
  if (benching) return bench(stored, device);
  check_features(stored, *parsed);
  check_captions(stored, device);
  check_full_device(stored, device);
  return failures == 0 ? 0 : 1;
}
