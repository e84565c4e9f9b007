#include "models/train/augment.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/train/features.h"

namespace photoscribe {
namespace {

/// std::uniform_real_distribution's numbers are not fixed by the standard; these are.
double uniform(std::mt19937_64& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random() >> 11) * 0x1p-53;
}

}  // namespace

View random_view(std::mt19937_64& random, bool mirrored) {
  View view;
  view.mirrored = mirrored;
  const double side = std::sqrt(uniform(random, 0.6, 1.0));
  const double stretch = std::sqrt(std::exp(uniform(random, -1.0, 1.0) * std::log(1.15)));
  view.width = std::min(1.0, side * stretch);
  view.height = std::min(1.0, side / stretch);
  view.left = uniform(random, 0, 1 - view.width);
  view.top = uniform(random, 0, 1 - view.height);
  view.gain = uniform(random, 0.85, 1.15);
  view.offset = uniform(random, -0.15, 0.15);
  return view;
}

View cached_view(std::int64_t photo, std::int64_t number, bool mirror) {
  if (number == 0) return {};
  if (mirror && number == 1) return {.mirrored = true};
  std::mt19937_64 random(static_cast<std::uint64_t>(photo) * 1'000'003 +
                         static_cast<std::uint64_t>(number));
  random.discard(16);
  const bool flipped = mirror && random() % 2 == 1;
  return random_view(random, flipped);
}

std::optional<torch::Tensor> read_view(const std::string& path, const View& view,
                                       const ModelArchitecture& model) {
  const std::int64_t side = model.input_side_px;
  const bool whole = view.width == 1 && view.height == 1;
  // The crop is scaled to the side again: from a larger photo, so that it stays sharp.
  const auto photo = read_photo(path, static_cast<int>(whole ? side : side * 4 / 3));
  if (!photo) return std::nullopt;
  torch::Tensor image = normalise(*photo, model);
  if (!whole) {
    const auto all = static_cast<double>(image.size(1));
    const auto pixels = [all](double share) { return static_cast<std::int64_t>(share * all); };
    image = image.narrow(1, pixels(view.top), pixels(view.height))
                .narrow(2, pixels(view.left), pixels(view.width));
    image = at::upsample_bilinear2d(image.unsqueeze(0), {side, side}, false).squeeze(0);
  }
  if (view.mirrored) image = image.flip({2});
  return image * view.gain + view.offset;
}

torch::Tensor augmented_photos(const FitOptions& options, const std::vector<std::string>& paths,
                               const Batch& batch, std::int64_t step) {
  const torch::NoGradGuard no_grad;
  std::mt19937_64 random(options.seed * 1'000'003 + static_cast<std::uint64_t>(step));
  std::vector<torch::Tensor> images;
  for (std::size_t k = 0; k < batch.photos.size(); ++k) {
    const std::string& path = paths.at(static_cast<std::size_t>(batch.photos[k]));
    const auto image = read_view(path, random_view(random, batch.mirror[k]), options.architecture);
    if (!image) throw std::runtime_error(path + ": decoded before, but does not now");
    images.push_back(*image);
  }
  return at::stack(images);
}

}  // namespace photoscribe
