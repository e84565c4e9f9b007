// WebP through libwebp; its demuxer finds the first frame of an animation and the metadata.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "common/image/exif.h"
#include "common/image/raster.h"

namespace photoscribe::image {
namespace {

tl::unexpected<DecodeFailure> cut(std::string detail) {
  return refuse(Reason::truncated, "WebP: " + std::move(detail));
}

struct Delete {
  void operator()(WebPDemuxer* demuxer) const noexcept { WebPDemuxDelete(demuxer); }
};
using Demuxer = std::unique_ptr<WebPDemuxer, Delete>;

struct Frame {
  WebPIterator at{};
  Frame() = default;
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() { WebPDemuxReleaseIterator(&at); }
};

std::span<const std::uint8_t> metadata(const WebPDemuxer* demuxer, const char* type) {
  WebPChunkIterator chunk{};
  std::span<const std::uint8_t> bytes;  // of the file, so they stay when the iterator goes
  if (WebPDemuxGetChunk(demuxer, type, 1, &chunk) != 0)
    bytes = {chunk.chunk.bytes, chunk.chunk.size};
  WebPDemuxReleaseChunkIterator(&chunk);
  return bytes;
}

// The frame as RGB, or RGBA where it may be transparent.
Decoded<Raster> decode_frame(const WebPIterator& frame) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return cut("another version of libwebp");
  if (WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &config.input) != VP8_STATUS_OK)
    return cut("the frame's header is damaged");
  if (config.input.width != frame.width || config.input.height != frame.height)
    return cut("the frame has another size than its header says");
  const bool alpha = config.input.has_alpha != 0;
  Raster raster = make_raster({frame.width, frame.height}, alpha ? 4 : 3);
  config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = raster.pixels.data();
  config.output.u.RGBA.stride = static_cast<int>(raster.stride());
  config.output.u.RGBA.size = raster.pixels.size();
  const VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
  if (status == VP8_STATUS_UNSUPPORTED_FEATURE)
    return refuse(Reason::unsupported, "WebP: a feature that libwebp does not decode");
  if (status != VP8_STATUS_OK) return cut("the data are damaged or cut short");
  return raster;
}

// Transparency on black, or OpenCV's gray, which leaves transparency out.
Raster without_alpha(const Raster& rgba, Pixels wanted) {
  Raster shown = make_raster(rgba.size, wanted != Pixels::rgb ? 1 : 3);
  const std::uint8_t* from = rgba.pixels.data();
  std::uint8_t* to = shown.pixels.data();
  for (; from != rgba.pixels.data() + rgba.pixels.size(); from += 4) {
    if (wanted != Pixels::rgb) {
      rgb_to_gray(from, 1, to++);
    } else {
      for (int i = 0; i < 3; ++i)
        *to++ = static_cast<std::uint8_t>(on_black(from[i], from[3], 255));
    }
  }
  return shown;
}

// The first frame of an animation on its black canvas, cut where it leaves it.
Raster on_canvas(Raster frame, const WebPIterator& at, Size size) {
  if (frame.size == size && at.x_offset == 0 && at.y_offset == 0) return frame;
  Raster canvas = make_raster(size, frame.channels);
  const int width = std::min(frame.size.width_px, size.width_px - at.x_offset);
  const int height = std::min(frame.size.height_px, size.height_px - at.y_offset);
  for (int y = 0; width > 0 && y < height; ++y)
    std::memcpy(canvas.row(y + at.y_offset) + at.x_offset * frame.channels, frame.row(y),
                static_cast<std::size_t>(width) * static_cast<std::size_t>(frame.channels));
  return canvas;
}

}  // namespace

Decoded<Raster> read_webp(std::span<const std::uint8_t> bytes, Pixels wanted,
                          const DecodeLimits& limits) {
  const WebPData data{bytes.data(), bytes.size()};
  WebPDemuxState state{};
  const Demuxer demuxer(WebPDemuxPartial(&data, &state));
  if (!demuxer) return cut("the data are damaged, or end inside the header");
  const Size canvas{static_cast<int>(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH)),
                    static_cast<int>(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT))};
  if (auto fits = check_size("WebP", canvas.width_px, canvas.height_px, limits); !fits)
    return refuse(fits.error());
  Frame frame;
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame.at) == 0) return cut("no picture in it");
  if (frame.at.complete == 0) return cut("the data end inside the picture");
  if (ends_in_zeros({frame.at.fragment.bytes, frame.at.fragment.size}))
    return cut("the data end in zeros");
  if (auto fits = check_size("WebP", frame.at.width, frame.at.height, limits); !fits)
    return refuse(fits.error());
  auto raster = decode_frame(frame.at);
  if (!raster) return raster;
  if (raster->channels == 4) raster = without_alpha(*raster, wanted);
  raster = on_canvas(std::move(*raster), frame.at, canvas);
  raster->orientation =
      orientation_of(metadata(demuxer.get(), "EXIF"), metadata(demuxer.get(), "XMP "));
  return raster;
}

}  // namespace photoscribe::image
