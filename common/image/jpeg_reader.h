// jpeg_reader: one JPEG through libjpeg, row by row, with its warnings as errors. Internal.
//
// libjpeg reports errors through longjmp; that ends inside this class, in frames that own nothing.
// A photo passes only when every coefficient and the end marker were there (finish()).
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "common/image/failure.h"

namespace photoscribe::image {

enum class JpegOutput {
  gray,   // 1 byte per pixel: the Y channel. CMYK: OpenCV's gray of it, 1 byte
  rgb,    // 3 bytes per pixel
  ycbcr,  // 3 bytes per pixel; only for a photo with stored_as_ycbcr()
};

class JpegReader {
 public:
  /// Reads the header. `bytes` must outlive the reader.
  static Decoded<JpegReader> open(std::span<const std::uint8_t> bytes, const DecodeLimits& limits);

  JpegReader(JpegReader&&) noexcept;
  JpegReader& operator=(JpegReader&&) noexcept;
  ~JpegReader();

  [[nodiscard]] int width_px() const noexcept;  // as stored
  [[nodiscard]] int height_px() const noexcept;
  [[nodiscard]] int orientation() const noexcept;  // EXIF, 1 to 8
  [[nodiscard]] bool stored_as_ycbcr() const noexcept;

  /// Starts decoding, shrunk in the DCT to 1/`denominator` (1, 2, 4 or 8; sides are rounded up).
  Decoded<void> start(JpegOutput output, int denominator);
  [[nodiscard]] int output_width_px() const noexcept;  // after start()
  [[nodiscard]] int output_height_px() const noexcept;

  /// Decodes the next 1 to `rows.size()` rows into the buffers that `rows` points to, each of
  /// output_width_px() * bytes per pixel; returns how many. Must not be called past the last row.
  Decoded<int> read_rows(std::span<std::uint8_t* const> rows);

  /// After the last row: reads on to the end marker.
  Decoded<void> finish();

 private:
  struct State;
  explicit JpegReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace photoscribe::image
