// PNG through libpng, asked for exactly what OpenCV asks it for. What comes behind the last pixel
// may be cut or damaged.
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "common/image/byte_reader.h"
#include "common/image/exif.h"
#include "common/image/raster.h"

namespace photoscribe::image {
namespace {

/// libpng reports errors through longjmp; that ends in this class, in frames that own nothing.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) throw std::bad_alloc();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  bool read_head() noexcept {
    if (setjmp(escape_) != 0) return false;
    png_set_read_fn(png_, this, read_bytes);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_size() has ours
    png_read_info(png_, info_);
    return true;
  }

  /// What OpenCV's decoder sets up for a gray picture.
  bool want_gray() noexcept {
    constexpr int kSilently = 1;
    constexpr double kRed = 0.299, kGreen = 0.587;
    if (setjmp(escape_) != 0) return false;
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    const int colour = png_get_color_type(png_, info_);
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if ((colour & PNG_COLOR_MASK_COLOR) == 0 && png_get_bit_depth(png_, info_) < 8)
      png_set_expand_gray_1_2_4_to_8(png_);
    png_set_rgb_to_gray(png_, kSilently, kRed, kGreen);
    return update();
  }

  /// RGB of 8 bits; with alpha RGBA of the file's own bits, since on_black() comes before they are
  /// shortened.
  bool want_colour() noexcept {
    if (setjmp(escape_) != 0) return false;
    png_set_expand(png_);
    png_set_gray_to_rgb(png_);
    const bool alpha = (png_get_color_type(png_, info_) & PNG_COLOR_MASK_ALPHA) != 0 ||
                       png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
    if (!alpha) png_set_strip_16(png_);
    return update();
  }

  /// Every row, `stride` bytes apart; then on to IEND for what a file says behind its pixels.
  bool read_rows(std::uint8_t* to, std::size_t stride) noexcept {
    if (setjmp(escape_) != 0) return pixels_done_ && !lost_pixels_;
    for (int pass = 0; pass < passes_; ++pass)
      for (std::uint32_t y = 0; y < height(); ++y) png_read_row(png_, to + y * stride, nullptr);
    pixels_done_ = true;
    png_read_end(png_, info_);
    return true;
  }

  [[nodiscard]] std::uint32_t width() const noexcept { return png_get_image_width(png_, info_); }
  [[nodiscard]] std::uint32_t height() const noexcept { return png_get_image_height(png_, info_); }
  [[nodiscard]] std::size_t row_bytes() const noexcept { return png_get_rowbytes(png_, info_); }
  [[nodiscard]] int channels() const noexcept { return png_get_channels(png_, info_); }
  [[nodiscard]] int bits() const noexcept { return png_get_bit_depth(png_, info_); }

  [[nodiscard]] int orientation() const noexcept {
    png_uint_32 exif_size = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(png_, info_, &exif_size, &exif) == 0) exif_size = 0;
    png_textp texts = nullptr;
    int count = 0;
    png_get_text(png_, info_, &texts, &count);
    std::string_view xmp;
    for (int i = 0; i < count; ++i)
      if (std::string_view(texts[i].key) == "XML:com.adobe.xmp" && texts[i].text != nullptr)
        xmp = texts[i].text;
    return orientation_of({exif, exif_size},
                          {reinterpret_cast<const std::uint8_t*>(xmp.data()), xmp.size()});
  }

  [[nodiscard]] tl::unexpected<DecodeFailure> failure() const {
    if (out_of_memory_) throw std::bad_alloc();
    return refuse(Reason::truncated, std::string("PNG: ") + message_.data());
  }

 private:
  static Reader& of(png_structp png) noexcept {
    return *static_cast<Reader*>(png_get_error_ptr(png));
  }
  [[noreturn]] static void on_error(png_structp png, png_const_charp text) {
    Reader& reader = of(png);
    std::snprintf(reader.message_.data(), reader.message_.size(), "%s", text);
    reader.out_of_memory_ =
        std::strstr(text, "emory") != nullptr;  // "Out of memory", "Insufficient memory"
    // With all rows there, what ended early cost nothing; a wrong checksum of their data did.
    constexpr png_uint_32 kIdat = 0x49444154;
    reader.lost_pixels_ = png_get_io_chunk_type(png) == kIdat && !reader.ended_;
    std::longjmp(reader.escape_, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}
  static void read_bytes(png_structp png, png_bytep to, std::size_t count) {
    auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
    if (count > reader.bytes_.size() - reader.at_) {
      reader.ended_ = true;
      png_error(png, "the data end early");
    }
    std::memcpy(to, reader.bytes_.data() + reader.at_, count);
    reader.at_ += count;
  }
  bool update() noexcept {
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf escape_{};
  std::array<char, 128> message_{};
  int passes_ = 1;
  bool ended_ = false, pixels_done_ = false, lost_pixels_ = false, out_of_memory_ = false;
};

// RGBA of 8 or 16 bits to RGB of 8, shortened to the upper byte as libpng does.
Raster blend(const std::vector<std::uint8_t>& rgba, Size size, int bits) {
  Raster raster = make_raster(size, 3);
  const std::uint8_t* from = rgba.data();
  const ByteReader values(rgba, ByteOrder::big);
  std::size_t at = 0;
  for (std::uint8_t& shown : raster.pixels) {
    const std::size_t pixel = at / 3 * 4, channel = at % 3;
    ++at;
    shown = bits == 16
                ? static_cast<std::uint8_t>(on_black(values.u16(2 * (pixel + channel)),
                                                     values.u16(2 * (pixel + 3)), 0xFFFF) >>
                                            8)
                : static_cast<std::uint8_t>(on_black(from[pixel + channel], from[pixel + 3], 0xFF));
  }
  return raster;
}

}  // namespace

Decoded<Raster> read_png(std::span<const std::uint8_t> bytes, Pixels wanted,
                         const DecodeLimits& limits) {
  constexpr std::size_t kFirstType = 12, kWidth = 16, kHeight = 20;
  const ByteReader head(bytes, ByteOrder::big);
  if (head.matches(kFirstType, "CgBI"))
    return refuse(Reason::unsupported, "PNG: Apple's own variant of it (CgBI) is not supported");
  if (auto fits = check_size("PNG", head.u32(kWidth), head.u32(kHeight), limits); !fits)
    return refuse(fits.error());
  Reader reader(bytes);
  if (!reader.read_head()) return reader.failure();
  if (!(wanted != Pixels::rgb ? reader.want_gray() : reader.want_colour())) return reader.failure();

  const Size size{static_cast<int>(reader.width()), static_cast<int>(reader.height())};
  const bool alpha = reader.channels() == 4;
  Raster raster;
  if (alpha) {
    std::vector<std::uint8_t> rgba(static_cast<std::size_t>(size.height_px) * reader.row_bytes());
    if (!reader.read_rows(rgba.data(), reader.row_bytes())) return reader.failure();
    raster = blend(rgba, size, reader.bits());
  } else {
    raster = make_raster(size, wanted != Pixels::rgb ? 1 : 3);
    if (!reader.read_rows(raster.pixels.data(), raster.stride())) return reader.failure();
  }
  raster.orientation = reader.orientation();
  return raster;
}

}  // namespace photoscribe::image
