// jpeg_reader: one JPEG through libjpeg, row by row, with its warnings as errors. Internal.
//
// libjpeg reports errors through longjmp; that ends inside this class, in frames that own nothing.
// A photo passes only when every coefficient and the end marker were there (finish()).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "common/image/area_resize.h"
#include "common/image/failure.h"

namespace photoscribe::image {

enum class JpegOutput {
  gray,   // 1 byte per pixel: the Y channel; of a CMYK photo OpenCV's gray of it
  rgb,    // 3 bytes per pixel
  ycbcr,  // 3 bytes per pixel; only for a photo with plain_planes()
};

/// Rows of Y, Cb and Cr as they are stored, chroma at its own resolution.
struct JpegBand {
  struct Plane {
    const std::uint8_t* rows = nullptr;
    std::size_t stride = 0;
    int row_count = 0;
  };
  std::array<Plane, 3> planes;
};

class JpegReader {
 public:
  /// Reads the header. `bytes` must outlive the reader.
  static Decoded<JpegReader> open(std::span<const std::uint8_t> bytes, const DecodeLimits& limits);

  JpegReader(JpegReader&&) noexcept;
  JpegReader& operator=(JpegReader&&) noexcept;
  ~JpegReader();

  [[nodiscard]] Size size() const noexcept;                       // as stored
  [[nodiscard]] std::optional<int> orientation() const noexcept;  // EXIF's or XMP's, 1 to 8
  [[nodiscard]] int channels() const noexcept;                    // 1 gray, 3, or 4 CMYK

  /// True when the photo is Y, Cb, Cr with Y at full resolution, as nearly all colour JPEGs are:
  /// then start_planes() works.
  [[nodiscard]] bool plain_planes() const noexcept;

  /// Starts decoding at full size, rows of pixels.
  Decoded<void> start(JpegOutput output);
  /// Decodes the next 1 to `rows.size()` rows into the buffers that `rows` points to, each of
  /// size().width_px * bytes per pixel; returns how many. Must not be called past the last row.
  Decoded<int> read_rows(std::span<std::uint8_t* const> rows);

  /// Starts decoding at full size, rows of planes: no upsampling, no colour conversion.
  Decoded<void> start_planes();
  [[nodiscard]] Size plane_size(int plane) const noexcept;  // after start_planes()
  /// The next rows, 8 or more of each plane but at the end; must not be called past the last. A
  /// band stays unchanged until the next but one is read.
  Decoded<JpegBand> read_band();

  /// After the last row: reads on to the end marker.
  Decoded<void> finish();

 private:
  struct State;
  explicit JpegReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace photoscribe::image
