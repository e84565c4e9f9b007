#include "common/image/thumbnail.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs FILE
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

extern "C" {
#include <jpeglib.h>
}

#include "common/image/area_resize.h"

namespace photoscribe {
namespace {

/// libjpeg reports errors through longjmp; that ends in this class, in a frame that owns nothing.
class Writer {
 public:
  Writer() {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr common) {
      std::longjmp(static_cast<Writer*>(common->client_data)->escape_, 1);
    };
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    jpeg_destroy_compress(&info_);
    std::free(bytes_);
  }

  /// A JPEG of RGB rows without padding. The only fault that can be is want of memory.
  bool write(const std::uint8_t* rgb, image::Size size) noexcept {
    constexpr int kQuality = 80;
    if (setjmp(escape_) != 0) return false;
    jpeg_create_compress(&info_);
    info_.client_data = this;  // create_compress clears the struct
    jpeg_mem_dest(&info_, &bytes_, &count_);
    info_.image_width = static_cast<JDIMENSION>(size.width_px);
    info_.image_height = static_cast<JDIMENSION>(size.height_px);
    info_.input_components = 3;
    info_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, kQuality, TRUE);
    jpeg_start_compress(&info_, TRUE);
    while (info_.next_scanline < info_.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(rgb) +
                     std::size_t{info_.next_scanline} * std::size_t{info_.image_width} * 3;
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }
  [[nodiscard]] std::vector<std::uint8_t> bytes() const { return {bytes_, bytes_ + count_}; }

 private:
  jpeg_compress_struct info_{};
  jpeg_error_mgr errors_{};
  std::jmp_buf escape_{};
  unsigned char* bytes_ = nullptr;
  unsigned long count_ = 0;
};

}  // namespace

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
  const image::Size size{scaled(width), scaled(height)};
  std::vector<std::uint8_t> shown(static_cast<std::size_t>(size.width_px) *
                                  static_cast<std::size_t>(size.height_px) * 3);
  image::AreaResizer resizer({side_px, side_px}, 3, size, shown.data());
  for (int y = 0; y < side_px; ++y)
    resizer.push(square->pixels.data() +
                 static_cast<std::size_t>(y) * static_cast<std::size_t>(side_px) * 3);
  const auto writer = std::make_unique<Writer>();
  if (!writer->write(shown.data(), size)) throw std::bad_alloc();
  return writer->bytes();
}

}  // namespace photoscribe
