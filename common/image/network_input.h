// network_input: a decoded colour photo, turned upright and resized to the network's square.
// Internal.
#pragma once

#include <opencv2/core.hpp>

#include "common/core/types.h"

namespace photoscribe::image {

/// `rgb` (CV_8UC3, as stored) resized to side_px x side_px, by area along an axis that shrinks and
/// linearly along one that grows, then turned and mirrored as EXIF `orientation` says. The square
/// is the same whether it is turned before or after resizing; turning the small one is cheaper.
[[nodiscard]] DecodedImage to_network_input(const cv::Mat& rgb, int orientation, int side_px);

}  // namespace photoscribe::image
