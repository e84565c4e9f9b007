// photo: the bytes of a file in; a blur score and the network's input out.
//
// Strict where OpenCV is lenient: magic bytes decide the format, caps hold before memory is
// allocated, and a photo that lost pixels is a failure, not half a grey picture; damage that cost
// none is nothing. What is wrong
// with a photo is a value (DecodeFailure), never an exception; only std::bad_alloc passes, since
// memory is the machine's matter. Every function is thread-safe and works on the calling thread
// alone. Files are opened elsewhere; no type of a codec leaves this folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/core/spec.h"
#include "common/core/types.h"

namespace photoscribe {

/// Why a photo did not decode: one of empty, not_an_image, truncated, too_large, unsupported.
struct DecodeFailure {
  Reason reason = Reason::not_an_image;
  std::string detail;  // one line for a person: the format and what is wrong with it
};

template <class T>
using Decoded = tl::expected<T, DecodeFailure>;

/// What the blur check finds out about a photo.
struct Measured {
  BlurScores blur_scores;
  int width_px = 0, height_px = 0;  // as shown: after EXIF orientation
  bool preview = false;             // of a camera's RAW file: all this is of the largest JPEG in it
  std::chrono::microseconds blur_time{0};  // of the scores, estimated
};

/// A photo that went through the gate.
struct GatedPhoto {
  Measured measured;
  std::optional<DecodedImage> network_input;  // RGB, side_px square; none when blurred
};

/// The blur scores of a whole file's bytes, by the cheapest decode that gives them exactly.
///
/// Mode full: population variance of the Laplacian (0 1 0 / 1 -4 1 / 0 1 0, reflected border) of
/// the photo in gray at full resolution, from exact integer sums; within 1e-9 (relative) of
/// `cv2.Laplacian(cv2.imread(path, cv2.IMREAD_GRAYSCALE), cv2.CV_64F).var()`. Gray is what the
/// OpenCV's gray decode gives (JPEG: the Y channel); a GIF (its first frame on black), HEIC and
/// AVIF, which OpenCV 4.6 cannot read, are made gray by OpenCV's RGB formula; a RAW file is its
/// largest JPEG. The other modes: blur_score.h.
/// Pech-Pacheco et al., ICPR 2000; "LAP4" in Pertuz et al., Pattern Recognition 2013.
[[nodiscard]] Decoded<Measured> measure_photo(std::span<const std::uint8_t> bytes,
                                              const BlurSettings& blur, const DecodeLimits& limits);

/// The network's input: the whole photo, EXIF orientation applied, as RGB of side_px x side_px
/// pixels, not cropped. Shrunk by area, grown linearly; a photo of just that size is passed
/// unchanged. Alpha, and what a GIF's first frame leaves out, is shown on black. Training and
/// serving both use this function, so they see the same pixels. `side_px` is 1 to 4096.
[[nodiscard]] Decoded<DecodedImage> decode_for_network(std::span<const std::uint8_t> bytes,
                                                       int side_px, const DecodeLimits& limits);

/// measure_photo, then decode_for_network for a clear photo: the same score and the same pixels,
/// with less work than the two calls.
[[nodiscard]] Decoded<GatedPhoto> load_photo(std::span<const std::uint8_t> bytes, int side_px,
                                             const BlurSettings& blur, const DecodeLimits& limits);

/// The format that the first bytes name ("JPEG", "HEIC", …), decoded here or not; empty when they
/// name none. For messages.
[[nodiscard]] std::string_view format_name(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace photoscribe
