#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

extern "C" {
#include <jpeglib.h>
}

#include "tests/common/image/make_images.h"

namespace photoscribe::testing {
namespace {

struct Errors {
  jpeg_error_mgr manager{};
  std::jmp_buf escape{};
};

void escape_from(j_common_ptr common) {
  std::longjmp(reinterpret_cast<Errors*>(common->err)->escape, 1);
}

// libjpeg writes CMYK as it is given; Adobe's convention inverts it.
Bytes to_cmyk(const DecodedImage& rgb, bool inverted) {
  Bytes cmyk;
  cmyk.reserve(rgb.pixels.size() / 3 * 4);
  for (std::size_t i = 0; i < rgb.pixels.size(); i += 3) {
    const int light = std::max({rgb.pixels[i], rgb.pixels[i + 1], rgb.pixels[i + 2]});
    for (std::size_t k = 0; k < 3; ++k) {  // undiluted = ink-free share of what black lets through
      const int undiluted = light == 0 ? 255 : rgb.pixels[i + k] * 255 / light;
      cmyk.push_back(static_cast<std::uint8_t>(inverted ? undiluted : 255 - undiluted));
    }
    cmyk.push_back(static_cast<std::uint8_t>(inverted ? light : 255 - light));
  }
  return cmyk;
}

Bytes samples_of(const DecodedImage& rgb, JpegColour colour) {
  switch (colour) {
    case JpegColour::cmyk_adobe:
    case JpegColour::ycck:
      return to_cmyk(rgb, true);
    case JpegColour::cmyk_plain:
      return to_cmyk(rgb, false);
    default:
      return rgb.pixels;
  }
}

void set_colour(jpeg_compress_struct& info, const JpegOptions& options) {
  const bool four = options.colour == JpegColour::cmyk_adobe ||
                    options.colour == JpegColour::cmyk_plain || options.colour == JpegColour::ycck;
  info.input_components = four ? 4 : 3;
  info.in_color_space = four ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  switch (options.colour) {
    case JpegColour::gray:
      jpeg_set_colorspace(&info, JCS_GRAYSCALE);
      break;
    case JpegColour::rgb:
      jpeg_set_colorspace(&info, JCS_RGB);
      break;
    case JpegColour::ycck:
      jpeg_set_colorspace(&info, JCS_YCCK);
      break;
    case JpegColour::ycbcr:
      info.comp_info[0].h_samp_factor = options.luma_h;
      info.comp_info[0].v_samp_factor = options.luma_v;
      break;
    case JpegColour::cmyk_plain:
      info.write_Adobe_marker = FALSE;
      break;
    case JpegColour::cmyk_adobe:
      break;
  }
}

// No object with a destructor lives here: libjpeg's errors jump out.
bool compress(jpeg_compress_struct& info, Errors& errors, const DecodedImage& rgb,
              const JpegOptions& options, const std::uint8_t* samples, const Bytes& exif,
              unsigned char** out, unsigned long* size) {
  if (setjmp(errors.escape) != 0) return false;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, out, size);
  info.image_width = static_cast<JDIMENSION>(rgb.width_px);
  info.image_height = static_cast<JDIMENSION>(rgb.height_px);
  set_colour(info, options);
  jpeg_set_quality(&info, options.quality, TRUE);
  info.arith_code = options.arithmetic ? TRUE : FALSE;
  info.restart_in_rows = options.restart_rows;
  if (options.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (!exif.empty())
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif.data(), static_cast<unsigned>(exif.size()));
  const std::size_t stride =
      static_cast<std::size_t>(rgb.width_px) * static_cast<std::size_t>(info.input_components);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(samples + info.next_scanline * stride);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

}  // namespace

Bytes encode_jpeg(const DecodedImage& rgb, const JpegOptions& options) {
  Bytes exif = options.exif;
  if (options.orientation) exif = exif_with_orientation(*options.orientation);
  if (!exif.empty()) {
    const std::string_view head("Exif\0\0", 6);
    exif.insert(exif.begin(), head.begin(), head.end());
  }
  const Bytes samples = samples_of(rgb, options.colour);
  jpeg_compress_struct info{};
  Errors errors;
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = escape_from;
  unsigned char* out = nullptr;
  unsigned long size = 0;
  Bytes bytes;
  if (compress(info, errors, rgb, options, samples.data(), exif, &out, &size))
    bytes.assign(out, out + size);
  jpeg_destroy_compress(&info);
  std::free(out);
  return bytes;
}

Bytes with_jpeg_segment(const Bytes& jpeg, std::uint8_t marker, std::string_view body) {
  const std::size_t length = body.size() + 2;
  Bytes bytes(jpeg.begin(), jpeg.begin() + 2);
  bytes.insert(bytes.end(), {0xFF, marker, static_cast<std::uint8_t>(length >> 8),
                             static_cast<std::uint8_t>(length)});
  bytes.insert(bytes.end(), body.begin(), body.end());
  bytes.insert(bytes.end(), jpeg.begin() + 2, jpeg.end());
  return bytes;
}

Bytes jpeg_of_other_precision(const DecodedImage& rgb, int bits) {
  Bytes bytes = encode_jpeg(rgb);
  for (std::size_t i = 2; i + 4 < bytes.size(); i += 2U + 256U * bytes[i + 2] + bytes[i + 3])
    if (bytes[i + 1] == 0xC0) {
      bytes[i + 1] = 0xC1;  // extended sequential: the one that may have 12 bits
      bytes[i + 4] = static_cast<std::uint8_t>(bits);
      break;
    }
  return bytes;
}

}  // namespace photoscribe::testing
