#include "common/image/opencv_codec.h"

#include <limits>
#include <mutex>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace photoscribe::image {
namespace {

Decoded<cv::Mat> decode(std::span<const std::uint8_t> bytes, std::string_view format, int flags) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return refuse(Reason::too_large, std::string(format) + ": over 2 GiB");
  // imdecode reads only; cv::Mat has no view of constant bytes.
  const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8UC1,
                       const_cast<std::uint8_t*>(bytes.data()));
  cv::Mat decoded = cv::imdecode(buffer, flags);
  if (decoded.empty())
    return refuse(Reason::truncated, std::string(format) + ": the data are damaged or cut short");
  return decoded;
}

// BGRA of 8 or 16 bits to RGB of 8, as OpenCV shortens 16 bits: the upper byte.
template <class Value>
void blend_row(const Value* from, int width_px, std::uint8_t* to) noexcept {
  constexpr unsigned kOpaque = std::numeric_limits<Value>::max();
  constexpr int kShift = 8 * (sizeof(Value) - 1);
  for (int x = 0; x < width_px; ++x, from += 4, to += 3) {
    const unsigned alpha = from[3];
    for (int i = 0; i < 3; ++i) {
      const unsigned value = from[2 - i];
      const unsigned shown = alpha == kOpaque ? value : (value * alpha + kOpaque / 2) / kOpaque;
      to[i] = static_cast<std::uint8_t>(shown >> kShift);
    }
  }
}

cv::Mat on_black(const cv::Mat& bgra) {
  cv::Mat rgb(bgra.size(), CV_8UC3);
  for (int y = 0; y < bgra.rows; ++y)
    if (bgra.depth() == CV_16U)
      blend_row(bgra.ptr<std::uint16_t>(y), bgra.cols, rgb.ptr(y));
    else if (bgra.depth() == CV_8U)
      blend_row(bgra.ptr(y), bgra.cols, rgb.ptr(y));
    else
      CV_Error(cv::Error::StsUnsupportedFormat, "neither 8 nor 16 bits a channel");
  return rgb;
}

}  // namespace

void quiet_opencv() {
  static std::once_flag once;
  std::call_once(once, [] {
    cv::setNumThreads(1);  // the callers are a pool already
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  });
}

Decoded<cv::Mat> decode_gray(std::span<const std::uint8_t> bytes, std::string_view format) {
  return decode(bytes, format, cv::IMREAD_GRAYSCALE | cv::IMREAD_IGNORE_ORIENTATION);
}

cv::Mat rgb_to_gray(const cv::Mat& rgb) {
  cv::Mat gray;
  cv::cvtColor(rgb, gray, cv::COLOR_RGB2GRAY);
  return gray;
}

Decoded<cv::Mat> decode_rgb(std::span<const std::uint8_t> bytes, std::string_view format,
                            bool alpha) {
  if (alpha) {
    auto image = decode(bytes, format, cv::IMREAD_UNCHANGED);
    if (!image) return image;
    if (image->channels() == 4) return on_black(*image);
  }
  auto image = decode(bytes, format, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
  if (image) cv::cvtColor(*image, *image, cv::COLOR_BGR2RGB);
  return image;
}

}  // namespace photoscribe::image
