#include "common/image/opencv_codec.h"

#include <mutex>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace photoscribe::image {
namespace {

Decoded<cv::Mat> decode(std::span<const std::uint8_t> bytes, std::string_view format, int flags) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return refuse(Reason::too_large, std::string(format) + ": over 2 GiB");
  auto decoded = with_opencv(format, Reason::truncated, [&] {
    // imdecode reads only; cv::Mat has no view of constant bytes.
    const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8UC1,
                         const_cast<std::uint8_t*>(bytes.data()));
    return cv::imdecode(buffer, flags);
  });
  if (decoded && decoded->empty())
    return refuse(Reason::truncated, std::string(format) + ": the data are damaged or cut short");
  return decoded;
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

Decoded<cv::Mat> decode_rgb(std::span<const std::uint8_t> bytes, std::string_view format) {
  auto image = decode(bytes, format, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
  if (!image) return image;
  return with_opencv(format, Reason::unsupported, [&] {
    cv::cvtColor(*image, *image, cv::COLOR_BGR2RGB);
    return *image;
  });
}

}  // namespace photoscribe::image
