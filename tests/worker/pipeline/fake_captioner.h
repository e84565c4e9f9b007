// fake_captioner: a captioner for tests that says what it saw and fails when told to.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "models/captioner.h"

namespace photoscribe {

/// What every FakeCaptioner of one test shares; thread-safe.
struct FakeDevice {
  int side_px = 8;
  std::atomic<std::size_t> memory_images{1'000'000};  // larger batches: device_memory
  std::atomic<bool> lost{false};                      // everything fails with model_failure
  std::atomic<int> calls{0}, images{0};
  std::vector<Concept> concepts;  // of every caption
  std::function<void(std::size_t batch)> on_call = [](std::size_t) {};
  std::function<void(std::uint8_t first_byte)> on_image = [](std::uint8_t) {};

  std::vector<std::size_t> sizes() {
    const std::lock_guard lock(mutex);
    return batch_sizes;
  }
  std::mutex mutex;
  std::vector<std::size_t> batch_sizes;
};

/// An image whose first byte is this is rejected.
inline constexpr std::uint8_t kPoisonPixel = 13;
inline constexpr std::uint8_t kOverflowPixel = 14;  // its caption has no finite probability

/// The caption is "value N", N being the first byte of the image.
class FakeCaptioner : public Captioner {
 public:
  explicit FakeCaptioner(FakeDevice& device) : device_(device) {}
  int input_side_px() const override { return device_.side_px; }
  Expected<std::vector<Caption>> caption(std::span<const DecodedImage* const> batch) override {
    ++device_.calls;
    device_.on_call(batch.size());
    {
      const std::lock_guard lock(device_.mutex);
      device_.batch_sizes.push_back(batch.size());
    }
    if (device_.lost) return fail(Errc::model_failure, "fake: the device fell off the bus");
    if (batch.size() > device_.memory_images) return fail(Errc::device_memory, "fake: no memory");
    std::vector<Caption> captions;
    for (const auto* image : batch) {
      const std::uint8_t value = image->pixels.at(0);
      device_.on_image(value);
      if (value == kPoisonPixel) return fail(Errc::model_failure, "fake: cannot digest 13");
      const double log_prob =
          value == kOverflowPixel ? std::numeric_limits<double>::quiet_NaN() : -1.5;
      captions.push_back(
          Caption{"value " + std::to_string(value), log_prob, 2, {}, device_.concepts});
    }
    device_.images += static_cast<int>(batch.size());
    return captions;
  }

 private:
  FakeDevice& device_;
};

}  // namespace photoscribe
