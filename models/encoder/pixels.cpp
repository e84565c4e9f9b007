#include "models/encoder/pixels.h"

#include <cstddef>

namespace photoscribe {

PixelTable::PixelTable(const std::array<double, 3>& mean, const std::array<double, 3>& std)
    : of_{} {
  for (std::size_t c = 0; c < 3; ++c) {
    const auto middle = static_cast<float>(mean[c] * 255), width = static_cast<float>(std[c] * 255);
    for (std::size_t byte = 0; byte < 256; ++byte)
      of_[c][byte] = (static_cast<float>(byte) - middle) / width;
  }
}

void PixelTable::normalise(const std::uint8_t* rgb, std::int64_t pixels, float* numbers) const {
  for (std::int64_t i = 0; i < pixels; ++i, rgb += 3, numbers += 3)
    for (std::size_t c = 0; c < 3; ++c) numbers[c] = of_[c][rgb[c]];
}

}  // namespace photoscribe
