#include "models/encoder/calibration.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace photoscribe {
namespace {

constexpr std::size_t kBins = 4'096;
constexpr int kUnsignedSteps = 255, kSignedSteps = 127;

void add(MagnitudeHistogram& histogram, const torch::Tensor& map) {
  const torch::Tensor numbers = map.contiguous();
  histogram.add(numbers.data_ptr<float>(), numbers.numel());
}

}  // namespace

MagnitudeHistogram::MagnitudeHistogram() : counts_(kBins) {}

void MagnitudeHistogram::widen(float largest) {
  largest_ = std::max(largest_, largest);
  if (top_ == 0) top_ = std::exp2(std::floor(std::log2(largest)) + 1);
  for (; top_ <= largest; top_ *= 2) {
    for (std::size_t i = 0; i < kBins / 2; ++i) counts_[i] = counts_[2 * i] + counts_[2 * i + 1];
    std::fill(counts_.begin() + kBins / 2, counts_.end(), 0);
  }
}

void MagnitudeHistogram::add(const float* numbers, std::int64_t count) {
  float largest = 0;
  bool finite = true;  // max() passes over a NaN
  for (std::int64_t i = 0; i < count; ++i) {
    finite = finite && std::isfinite(numbers[i]);
    largest = std::max(largest, std::abs(numbers[i]));
  }
  if (!finite || largest <= 0) return;
  widen(largest);
  const float bins_per_one = static_cast<float>(kBins) / top_;
  for (std::int64_t i = 0; i < count; ++i)
    ++counts_[static_cast<std::size_t>(std::abs(numbers[i]) * bins_per_one)];
}

float MagnitudeHistogram::best_step(int steps) const {
  if (top_ == 0) return 1;
  constexpr int kCandidates = 200;
  const double width = static_cast<double>(top_) / kBins;
  double best = 0, least = -1;
  for (int k = kCandidates; k > kCandidates / 10; --k) {
    const double end = static_cast<double>(largest_) * k / kCandidates, step = end / steps;
    double error = 0;
    for (std::size_t i = 0; i < kBins; ++i) {
      if (counts_[i] == 0) continue;
      const double value = (static_cast<double>(i) + 0.5) * width;
      const double kept = std::min(std::round(value / step), static_cast<double>(steps)) * step;
      error += static_cast<double>(counts_[i]) * (value - kept) * (value - kept);
    }
    if (least >= 0 && error >= least) continue;
    least = error;
    best = step;
  }
  return static_cast<float>(best);
}

Calibration::Calibration(Encoder encoder)
    : encoder_(std::move(encoder)), layers_(encoder_.layers().size()) {
  if (!have_fixed_scales(encoder_.layers()))
    throw std::runtime_error(
        "encoders with silu or gates (EfficientNet) find their scales as photos come; --precision "
        "int8 needs no file for them");
}

void Calibration::observe(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  add(photos_, images);
  static_cast<void>(encoder_.forward(
      images.permute({0, 3, 1, 2}),
      [this](std::size_t layer, const torch::Tensor& map) { add(layers_[layer], map); }));
}

Int8Scales Calibration::scales() const {
  Int8Scales found;
  found.photos = photos_.best_step(kSignedSteps);
  const std::vector<EncoderLayer>& layers = encoder_.layers();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].kind != LayerKind::convolution) continue;
    const int steps = is_unsigned(layers[i]) ? kUnsignedSteps : kSignedSteps;
    found.by_layer.emplace(layers[i].name, layers_[i].best_step(steps));
    found.by_layer[layers[i].name] = scale_of(found, layers[i]);
  }
  return found;
}

}  // namespace photoscribe
