#include "common/image/thumbnail.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

namespace photoscribe {

Decoded<std::vector<std::uint8_t>> jpeg_thumbnail(std::span<const std::uint8_t> bytes, int side_px,
                                                  const Measured& photo,
                                                  const DecodeLimits& limits) {
  assert(side_px >= 16 && side_px <= 1024);
  auto square = decode_for_network(bytes, side_px, limits);
  if (!square) return tl::make_unexpected(std::move(square.error()));
  const int width = std::max(1, photo.width_px), height = std::max(1, photo.height_px);
  const double scale = static_cast<double>(side_px) / std::max(width, height);
  const auto scaled = [scale](int side) {
    return std::max(1, static_cast<int>(std::lround(side * scale)));
  };
  const cv::Mat rgb(side_px, side_px, CV_8UC3, square->pixels.data());
  cv::Mat bgr, shown;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  cv::resize(bgr, shown, cv::Size(scaled(width), scaled(height)), 0, 0, cv::INTER_AREA);
  std::vector<std::uint8_t> jpeg;
  cv::imencode(".jpg", shown, jpeg, {cv::IMWRITE_JPEG_QUALITY, 80});
  return jpeg;
}

}  // namespace photoscribe
