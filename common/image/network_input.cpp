#include "common/image/network_input.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace photoscribe::image {
namespace {

void turn_upright(cv::Mat& square, int orientation) {
  // EXIF 2.32, tag 274: which side of the picture row 0 and column 0 of the file are.
  switch (orientation) {
    case 2:
      cv::flip(square, square, 1);
      break;
    case 3:
      cv::flip(square, square, -1);
      break;
    case 4:
      cv::flip(square, square, 0);
      break;
    case 5:
      cv::transpose(square, square);
      break;
    case 6:
      cv::transpose(square, square);
      cv::flip(square, square, 1);
      break;
    case 7:
      cv::transpose(square, square);
      cv::flip(square, square, -1);
      break;
    case 8:
      cv::transpose(square, square);
      cv::flip(square, square, 0);
      break;
    default:
      break;
  }
}

}  // namespace

DecodedImage to_network_input(const cv::Mat& rgb, int orientation, int side_px) {
  DecodedImage input;
  input.width_px = input.height_px = side_px;
  input.channels = 3;
  input.pixels.resize(static_cast<std::size_t>(side_px) * static_cast<std::size_t>(side_px) * 3);
  cv::Mat square(side_px, side_px, CV_8UC3, input.pixels.data());

  const cv::Size shrunk(std::min(rgb.cols, side_px), std::min(rgb.rows, side_px));
  const cv::Size target(side_px, side_px);
  if (rgb.size() == target) {
    rgb.copyTo(square);
  } else if (shrunk == target) {
    cv::resize(rgb, square, target, 0, 0, cv::INTER_AREA);
  } else {
    thread_local cv::Mat partly;
    if (shrunk != rgb.size()) cv::resize(rgb, partly, shrunk, 0, 0, cv::INTER_AREA);
    cv::resize(shrunk != rgb.size() ? partly : rgb, square, target, 0, 0, cv::INTER_LINEAR);
  }
  turn_upright(square, orientation);
  return input;
}

}  // namespace photoscribe::image
