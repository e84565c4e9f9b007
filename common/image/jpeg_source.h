// jpeg_source: a JPEG's bytes for libjpeg, and what may be said of those it did not use. Internal.
//
// Behind the last byte stands an end marker that is not in the file: a photo that lacks its own has
// all its pixels. Whether data were missing before it, libjpeg's Huffman decoder says by itself;
// its arithmetic decoder makes up zeros without a word, so those are counted here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs FILE
#include <span>

extern "C" {
#include <jpeglib.h>
}

namespace photoscribe::image {

class JpegSource {
 public:
  /// `bytes` and this object must outlive `info`'s use of them.
  void install(jpeg_decompress_struct& info, std::span<const std::uint8_t> bytes);

  /// For arithmetic coding, after the header: the end marker is taken away, so that zeros which the
  /// decoder makes up can be counted.
  void hide_end_marker(const jpeg_decompress_struct& info);

  /// The file's bytes were not enough to reach an end marker.
  [[nodiscard]] bool ended() const noexcept { return given_ > 0 && !hidden_; }
  /// A scan asked for more made-up zeros than its coder may have left out at its end.
  [[nodiscard]] bool ran_dry() const noexcept { return ran_dry_; }
  /// Whether the `count` bytes that libjpeg has just skipped before `marker` were nothing but
  /// padding behind data that were complete.
  [[nodiscard]] bool skipped_padding(std::size_t count, int marker) const noexcept;

 private:
  /// The coder drops zeros at the end of a scan (ITU-T T.81, D.1.8), a few of a photo, more of a
  /// plain surface. Without an end marker more than a photo's few speak of data that are missing.
  static constexpr std::size_t kDroppedZeros = 16, kDroppedOfPhoto = 3;

  static JpegSource& of(j_decompress_ptr info) noexcept;
  static boolean fill(j_decompress_ptr info);
  static void skip(j_decompress_ptr info, long count);

  jpeg_source_mgr manager_{};  // the first member: libjpeg's pointer to it leads to the rest
  std::span<const std::uint8_t> bytes_;
  std::array<std::uint8_t, kDroppedZeros> zeros_{};
  int given_ = 0;            // times that bytes were made up
  std::size_t made_up_ = 0;  // of them zeros
  bool hidden_ = false, ran_dry_ = false;
};

}  // namespace photoscribe::image
