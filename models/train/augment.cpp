#include "models/train/augment.h"

#include <ATen/ATen.h>

#include <random>
#include <stdexcept>

#include "models/train/features.h"

namespace photoscribe {

torch::Tensor augmented_photos(const FitOptions& options, const std::vector<std::string>& paths,
                               const Batch& batch, std::int64_t step) {
  const torch::NoGradGuard no_grad;
  std::mt19937_64 random(options.seed * 1'000'003 + static_cast<std::uint64_t>(step));
  const auto uniform = [&random](double low, double high) {
    return low + (high - low) * static_cast<double>(random() >> 11) * 0x1p-53;
  };
  constexpr std::int64_t kShift = 8;
  std::vector<torch::Tensor> images;
  for (std::size_t k = 0; k < batch.photos.size(); ++k) {
    const std::string& path = paths.at(static_cast<std::size_t>(batch.photos[k]));
    const auto photo = read_photo(path, options.architecture.input_side_px);
    if (!photo) throw std::runtime_error(path + ": decoded before, but does not now");
    torch::Tensor image = normalise(*photo, options.architecture);
    if (batch.mirror[k]) image = image.flip({2});
    const std::int64_t side = image.size(1);
    const auto x = static_cast<std::int64_t>(uniform(0, 2 * kShift + 1));
    const auto y = static_cast<std::int64_t>(uniform(0, 2 * kShift + 1));
    image = at::replication_pad2d(image.unsqueeze(0), {kShift, kShift, kShift, kShift})
                .squeeze(0)
                .narrow(1, y, side)
                .narrow(2, x, side);
    images.push_back(image * uniform(0.85, 1.15) + uniform(-0.15, 0.15));
  }
  return at::stack(images);
}

}  // namespace photoscribe
