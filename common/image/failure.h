// failure: the folder's own short words for "this photo cannot be decoded". Internal.
#pragma once

#include <string>
#include <utility>

#include "common/image/photo.h"

namespace photoscribe::image {

[[nodiscard]] inline tl::unexpected<DecodeFailure> refuse(Reason reason, std::string detail) {
  return tl::unexpected<DecodeFailure>(DecodeFailure{reason, std::move(detail)});
}
[[nodiscard]] inline tl::unexpected<DecodeFailure> refuse(DecodeFailure failure) {
  return tl::unexpected<DecodeFailure>(std::move(failure));
}

/// One side's, whatever the settings: what the sums and tables of this folder are made for.
inline constexpr std::int64_t kSideMaxPx = 1 << 20;

/// too_large when width x height is over limits.pixels_max, truncated when a side is not positive.
[[nodiscard]] inline Decoded<void> check_size(std::string_view format, std::int64_t width_px,
                                              std::int64_t height_px, const DecodeLimits& limits) {
  const std::string size = std::to_string(width_px) + "x" + std::to_string(height_px);
  if (width_px < 1 || height_px < 1)
    return refuse(Reason::truncated, std::string(format) + ": no picture of size " + size);
  if (width_px > limits.pixels_max / height_px)
    return refuse(Reason::too_large, std::string(format) + ": " + size +
                                         " pixels; limits.pixels_max is " +
                                         std::to_string(limits.pixels_max));
  if (width_px > kSideMaxPx || height_px > kSideMaxPx)
    return refuse(Reason::too_large, std::string(format) + ": " + size +
                                         " pixels; a side may have " + std::to_string(kSideMaxPx) +
                                         ", whatever the settings");
  return {};
}

}  // namespace photoscribe::image
