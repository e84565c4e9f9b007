// opencv_codec: PNG, WebP, TIFF and BMP through OpenCV, behind a wall. Internal.
//
// The one place where OpenCV's decoders are called: its exceptions, its log and its threads end
// here. It checks nothing that container_check checks; call that first.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <span>
#include <string_view>

#include "common/image/failure.h"

namespace photoscribe::image {

/// CV_8UC1, exactly as `cv2.imread(path, cv2.IMREAD_GRAYSCALE)` gives it, but for EXIF orientation,
/// which is not applied.
[[nodiscard]] Decoded<cv::Mat> decode_gray(std::span<const std::uint8_t> bytes,
                                           std::string_view format);

/// CV_8UC3, RGB, as stored. `alpha`: the file may have transparent pixels; they are shown on black.
[[nodiscard]] Decoded<cv::Mat> decode_rgb(std::span<const std::uint8_t> bytes,
                                          std::string_view format, bool alpha);

/// OpenCV's gray of an RGB picture.
[[nodiscard]] Decoded<cv::Mat> rgb_to_gray(const cv::Mat& rgb);

/// Runs `work`, which calls OpenCV, and makes `reason` of what it throws; out of memory stays
/// std::bad_alloc.
template <class Work>
auto with_opencv(std::string_view format, Reason reason, Work&& work) -> Decoded<decltype(work())>;

/// OpenCV keeps to the calling thread and says nothing. Called before its first use; cheap.
void quiet_opencv();

}  // namespace photoscribe::image

// Template below.
#include <new>

namespace photoscribe::image {

template <class Work>
auto with_opencv(std::string_view format, Reason reason, Work&& work) -> Decoded<decltype(work())> {
  quiet_opencv();
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const cv::Exception& e) {
    if (e.code == cv::Error::StsNoMem) throw std::bad_alloc();
    // OpenCV's own caps (environment variables may lower them).
    if (e.err.find("CV_IO_MAX") != std::string::npos)
      return refuse(Reason::too_large, std::string(format) + ": over OpenCV's own cap: " + e.err);
    return refuse(reason, std::string(format) + ": " + e.err);
  } catch (const std::exception& e) {
    return refuse(reason, std::string(format) + ": " + e.what());
  }
}

}  // namespace photoscribe::image
