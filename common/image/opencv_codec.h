// opencv_codec: PNG, WebP, TIFF and BMP through OpenCV, behind a wall. Internal.
//
// OpenCV's exceptions, its log and its threads end here: the functions below throw, and are called
// inside behind_opencv_wall(). They check nothing that container.h checks; that comes first.
#pragma once

#include <cstdint>
#include <new>
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
[[nodiscard]] cv::Mat rgb_to_gray(const cv::Mat& rgb);

/// OpenCV keeps to the calling thread and says nothing. Called before its first use; cheap.
void quiet_opencv();

/// Runs `work`, which may call OpenCV and returns a Decoded<…>, and makes a DecodeFailure of what
/// it throws; out of memory stays std::bad_alloc.
template <class Work>
auto behind_opencv_wall(std::string_view format, Work&& work) -> decltype(work()) {
  quiet_opencv();
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const cv::Exception& e) {
    if (e.code == cv::Error::StsNoMem) throw std::bad_alloc();
    const bool capped = e.err.find("CV_IO_MAX") != std::string::npos;  // set by the environment
    return refuse(capped                                      ? Reason::too_large
                  : e.code == cv::Error::StsUnsupportedFormat ? Reason::unsupported
                                                              : Reason::truncated,
                  std::string(format) + ": " + e.err);
  } catch (const std::exception& e) {
    return refuse(Reason::truncated, std::string(format) + ": " + e.what());
  }
}

}  // namespace photoscribe::image
