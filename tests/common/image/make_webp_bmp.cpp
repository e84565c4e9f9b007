#include <opencv2/imgcodecs.hpp>

#include "tests/common/image/make_images.h"

namespace photoscribe::testing {
namespace {

void append_number(Bytes& to, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
void append_text(Bytes& to, std::string_view text) {
  to.insert(to.end(), text.begin(), text.end());
}

void append_chunk(Bytes& to, std::string_view type, const Bytes& body) {
  append_text(to, type);
  append_number(to, body.size(), 4);
  to.insert(to.end(), body.begin(), body.end());
  if (body.size() % 2 != 0) to.push_back(0);
}

// The picture chunks (ALPH, VP8, VP8L) of a still file.
Bytes picture_chunks(const Bytes& still) {
  Bytes chunks;
  for (std::size_t at = 12; at + 8 <= still.size();) {
    const std::size_t size = still[at + 4] + 256U * still[at + 5] + 65536U * still[at + 6];
    const std::size_t end = std::min(at + 8 + size + size % 2, still.size());
    const std::string_view type(reinterpret_cast<const char*>(still.data()) + at, 4);
    if (type == "ALPH" || type == "VP8 " || type == "VP8L")
      chunks.insert(chunks.end(), still.begin() + static_cast<std::ptrdiff_t>(at),
                    still.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
  }
  return chunks;
}

Bytes extended_head(int flags, int width_px, int height_px) {
  Bytes body;
  append_number(body, static_cast<std::uint64_t>(flags), 4);
  append_number(body, static_cast<std::uint64_t>(width_px - 1), 3);
  append_number(body, static_cast<std::uint64_t>(height_px - 1), 3);
  return body;
}

Bytes riff(const Bytes& chunks) {
  Bytes out;
  out.reserve(chunks.size() + 12);
  append_text(out, "RIFF");
  append_number(out, chunks.size() + 4, 4);
  append_text(out, "WEBP");
  out.insert(out.end(), chunks.begin(), chunks.end());
  return out;
}

Bytes animation(const DecodedImage& rgb, const WebpOptions& options, const Bytes& still) {
  const int width = options.canvas_width_px < 0 ? rgb.width_px : options.canvas_width_px;
  const int height = options.canvas_height_px < 0 ? rgb.height_px : options.canvas_height_px;
  Bytes chunks;
  append_chunk(chunks, "VP8X", extended_head(0x02 | (options.alpha ? 0x10 : 0), width, height));
  append_chunk(chunks, "ANIM", {255, 255, 255, 255, 0, 0});
  Bytes frame;
  append_number(frame, static_cast<std::uint64_t>(options.left_px / 2), 3);
  append_number(frame, static_cast<std::uint64_t>(options.top_px / 2), 3);
  append_number(frame, static_cast<std::uint64_t>(rgb.width_px - 1), 3);
  append_number(frame, static_cast<std::uint64_t>(rgb.height_px - 1), 3);
  append_number(frame, 100, 4);
  const Bytes picture = picture_chunks(still);
  frame.insert(frame.end(), picture.begin(), picture.end());
  append_chunk(chunks, "ANMF", frame);
  append_chunk(chunks, "ANMF", frame);
  return riff(chunks);
}

}  // namespace

Bytes encode_webp(const DecodedImage& rgb, const WebpOptions& options) {
  cv::Mat picture(rgb.height_px, rgb.width_px, options.alpha ? CV_8UC4 : CV_8UC3);
  const std::uint8_t* from = rgb.pixels.data();
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < picture.cols; ++x, from += 3) {
      std::uint8_t* to = picture.ptr(y) + x * picture.channels();
      for (int i = 0; i < 3; ++i) to[i] = from[2 - i];
      if (options.alpha) to[3] = x < picture.cols / 2 ? *options.alpha : std::uint8_t{255};
    }
  Bytes still;
  cv::imencode(".webp", picture, still, {cv::IMWRITE_WEBP_QUALITY, options.lossless ? 101 : 90});
  if (options.animated) return animation(rgb, options, still);
  if (!options.orientation && options.xmp.empty()) return still;
  Bytes chunks;
  append_chunk(chunks, "VP8X",
               extended_head(0x0C | (options.alpha ? 0x10 : 0), rgb.width_px, rgb.height_px));
  const Bytes picture_part = picture_chunks(still);
  chunks.insert(chunks.end(), picture_part.begin(), picture_part.end());
  if (options.orientation)
    append_chunk(chunks, "EXIF", exif_with_orientation(*options.orientation));
  if (!options.xmp.empty())
    append_chunk(chunks, "XMP ", Bytes(options.xmp.begin(), options.xmp.end()));
  return riff(chunks);
}

Bytes encode_bmp(const DecodedImage& rgb, const BmpOptions& options) {
  const int row_bytes = (rgb.width_px * options.bits + 31) / 32 * 4;
  const int palette = options.bits == 8 ? 256 : 0;
  const int offset = 14 + 40 + 4 * palette;
  Bytes out;
  out.reserve(static_cast<std::size_t>(offset + row_bytes * rgb.height_px));
  append_text(out, "BM");
  append_number(out, static_cast<std::uint64_t>(offset + row_bytes * rgb.height_px), 4);
  append_number(out, 0, 4);
  append_number(out, static_cast<std::uint64_t>(offset), 4);
  append_number(out, 40, 4);
  append_number(out, static_cast<std::uint64_t>(rgb.width_px), 4);
  const int height = options.top_down ? -rgb.height_px : rgb.height_px;
  append_number(out, static_cast<std::uint32_t>(height), 4);
  append_number(out, 1, 2);
  append_number(out, static_cast<std::uint64_t>(options.bits), 2);
  for (int i = 0; i < 6; ++i) append_number(out, 0, 4);
  for (int i = 0; i < palette; ++i)
    append_number(out, static_cast<std::uint64_t>(i) * 0x010101U, 4);
  for (int row = 0; row < rgb.height_px; ++row) {
    const int y = options.top_down ? row : rgb.height_px - 1 - row;
    const std::size_t start = out.size();
    const std::uint8_t* from = rgb.pixels.data() + static_cast<std::size_t>(y) *
                                                       static_cast<std::size_t>(rgb.width_px) * 3;
    for (int x = 0; x < rgb.width_px; ++x, from += 3) {
      if (options.bits == 8)
        out.push_back(static_cast<std::uint8_t>((from[0] * 2U + from[1] * 5U + from[2]) / 8));
      else
        out.insert(out.end(), {from[2], from[1], from[0]});
      if (options.bits == 32) out.push_back(0);
    }
    out.resize(start + static_cast<std::size_t>(row_bytes), 0);
  }
  return out;
}

}  // namespace photoscribe::testing
