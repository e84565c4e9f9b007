// make_images: files of every format and every hard case, made in memory for tests.
//
// Encoders with the knobs that tests need and writers by hand where no library writes the variant.
// Links OpenCV, libjpeg and giflib itself; no type of theirs is in this header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/types.h"

namespace photoscribe::testing {

using Bytes = std::vector<std::uint8_t>;

/// A sharp picture of shapes and texture, RGB; its blur score is in the thousands. Another seed is
/// another picture.
[[nodiscard]] DecodedImage sharp_picture(int width_px, int height_px, std::uint32_t seed = 1);
/// A smooth gradient, RGB: blurred by any sensible threshold.
[[nodiscard]] DecodedImage smooth_picture(int width_px, int height_px);
[[nodiscard]] DecodedImage flat_picture(int width_px, int height_px, std::uint8_t red,
                                        std::uint8_t green, std::uint8_t blue);
/// How a viewer shows a picture stored with EXIF `orientation` (1 to 8), straight from the
/// standard's table.
[[nodiscard]] DecodedImage shown_with_orientation(const DecodedImage& stored, int orientation);

enum class JpegColour { ycbcr, gray, rgb, cmyk_adobe, cmyk_plain, ycck };

struct JpegOptions {
  int quality = 92;
  JpegColour colour = JpegColour::ycbcr;
  int luma_h = 2, luma_v = 2;  // sampling factors of Y; chroma has 1
  bool progressive = false, arithmetic = false;
  int restart_rows = 0;
  std::optional<int> orientation = {};  // written as EXIF
  Bytes exif = {};                      // instead: any bytes after "Exif\0\0"
};
/// Of an RGB picture. Empty when this libjpeg cannot write it (arithmetic).
[[nodiscard]] Bytes encode_jpeg(const DecodedImage& rgb, const JpegOptions& options = {});
/// A head that claims `bits` bits a sample; no decoder here takes more than 8.
[[nodiscard]] Bytes jpeg_of_other_precision(const DecodedImage& rgb, int bits);

enum class PngColour { gray, rgb, palette, gray_alpha, rgba };

struct PngOptions {
  PngColour colour = PngColour::rgb;
  int bits = 8;  // of a sample: 1, 2, 4 (gray, palette), 8, 16 (not palette)
  bool interlaced = false;
  std::optional<std::uint8_t> alpha = {};   // of every left-half pixel; the right half is opaque
  bool palette_transparency = false;        // colour 0 of the palette is transparent (tRNS)
  std::optional<std::uint32_t> gamma = {};  // gAMA, in units of 1/100000
  std::optional<int> orientation = {};      // eXIf
  std::string xmp = {};                     // iTXt
  bool animated = false;                    // acTL, fcTL and a second frame in fdAT
};
[[nodiscard]] Bytes encode_png(const DecodedImage& rgb, const PngOptions& options = {});
/// A PNG whose head says this size, with a few bytes of data behind it: a bomb.
[[nodiscard]] Bytes png_bomb(std::uint32_t width_px, std::uint32_t height_px);
/// A PNG chunk, checksum included.
[[nodiscard]] Bytes png_chunk(std::string_view type, const Bytes& body);

struct GifOptions {
  bool interlaced = false, local_palette = false;
  std::optional<int> transparent = {};              // palette index
  int left_px = 0, top_px = 0;                      // of the frame
  int canvas_width_px = -1, canvas_height_px = -1;  // -1: the picture's
  int frames = 1;
};
/// Colours are reduced to a 6x6x6 cube (index = 36 r + 6 g + b).
[[nodiscard]] Bytes encode_gif(const DecodedImage& rgb, const GifOptions& options = {});
/// What a reader must make of it.
[[nodiscard]] DecodedImage as_gif_shows(const DecodedImage& rgb, const GifOptions& options = {});

struct TiffOptions {
  bool big_endian = false, big_tiff = false, tiled = false;
  int bits = 8;
  int channels = 3;                        // 1 gray, 3 RGB, 4 CMYK
  std::optional<std::uint8_t> alpha = {};  // of every left-half pixel; a fourth sample beside RGB
  int sample_format = 1;                   // 1 whole numbers, 3 IEEE
  std::optional<int> orientation = {};     // tag 274
  bool directory_first = false;            // before the pixels, as some writers have it
  int pages = 1;                           // the others are flat black
  std::uint16_t subfile_type = 0;
  std::string maker = {};      // tag 271
  bool dng = false;            // tag 50706
  bool sub_directory = false;  // tag 330
  std::string xmp = {};        // tag 700
};
/// Without compression.
[[nodiscard]] Bytes encode_tiff(const DecodedImage& rgb, const TiffOptions& options = {});
enum class TiffCompression {
  none = 1,
  rle = 2,
  fax3 = 3,
  fax4 = 4,
  lzw = 5,
  jpeg = 7,
  deflate = 8,
  packbits = 32773,
  lzma = 34925,
  zstd = 50000,
  webp = 50001
};
struct CompressedTiffOptions {
  TiffCompression compression = TiffCompression::none;
  bool tiled = false;              // else strips of 16 rows
  int bits = 8;                    // 1, 2 and 4 only with one sample; 16
  int samples = 3;                 // 1 gray, 3 RGB, 4 CMYK, 5 RGB and two more
  double share_of_last_piece = 1;  // what is left of the last strip's or tile's bytes
};
/// By libtiff; empty when it has no such encoder. The directory comes after the pixels.
[[nodiscard]] Bytes encode_tiff_by_libtiff(const DecodedImage& rgb,
                                           const CompressedTiffOptions& options);
[[nodiscard]] inline Bytes encode_tiff_compressed(const DecodedImage& rgb,
                                                  TiffCompression compression) {
  return encode_tiff_by_libtiff(rgb, {.compression = compression});
}
/// Sets the last value of a tag of a little-endian classic TIFF's first directory.
void set_last_value(Bytes& tiff, std::uint16_t tag, std::uint32_t value);
[[nodiscard]] std::uint32_t last_value(const Bytes& tiff, std::uint16_t tag);

struct WebpOptions {
  bool lossless = false, animated = false;
  std::optional<std::uint8_t> alpha = {};  // of every left-half pixel
  std::optional<int> orientation = {};     // EXIF chunk
  std::string xmp = {};                    // "XMP " chunk, beside it
  int canvas_width_px = -1, canvas_height_px = -1, left_px = 0, top_px = 0;  // when animated
};
[[nodiscard]] Bytes encode_webp(const DecodedImage& rgb, const WebpOptions& options = {});

struct BmpOptions {
  int bits = 24;  // 8 (gray palette), 24 or 32
  bool top_down = false;
};
[[nodiscard]] Bytes encode_bmp(const DecodedImage& rgb, const BmpOptions& options = {});

struct HeifOptions {
  bool avif = false;                       // else HEIC
  std::optional<std::uint8_t> alpha = {};  // of every left-half pixel
};
/// Empty when this libheif has no such encoder.
[[nodiscard]] Bytes encode_heif(const DecodedImage& rgb, const HeifOptions& options = {});

enum class RawKind { cr2, cr3, nef, arw, dng, orf, raf, rw2 };
struct RawOptions {
  RawKind kind = RawKind::nef;
  Bytes preview, thumbnail;  // JPEGs
  int orientation = 1;       // of the RAW file itself
};
[[nodiscard]] Bytes encode_raw(const RawOptions& options);

/// An XMP packet that holds nothing but the orientation, as attribute or as element.
[[nodiscard]] std::string xmp_with_orientation(int orientation, bool as_element = false);
/// A JPEG with a segment more behind its first two bytes.
[[nodiscard]] Bytes with_jpeg_segment(const Bytes& jpeg, std::uint8_t marker,
                                      std::string_view body);

/// A TIFF structure that holds nothing but the orientation, as EXIF carries it.
[[nodiscard]] Bytes exif_with_orientation(int orientation, bool big_endian = false);

/// The first bytes of formats that are recognised and not decoded (JPEG XL, PSD …).
struct NamedBytes {
  std::string name;
  Bytes bytes;
};
[[nodiscard]] std::vector<NamedBytes> heads_of_unsupported_formats();

}  // namespace photoscribe::testing
