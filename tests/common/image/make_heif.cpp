// HEIC and AVIF through libheif's own encoders.
#include <libheif/heif.h>

#include <cstring>

#include "tests/common/image/make_images.h"

namespace photoscribe::testing {
namespace {

heif_error append(heif_context*, const void* data, std::size_t size, void* to) {
  const auto* from = static_cast<const std::uint8_t*>(data);
  auto& bytes = *static_cast<Bytes*>(to);
  bytes.insert(bytes.end(), from, from + size);
  return {heif_error_Ok, heif_suberror_Unspecified, ""};
}

heif_image* image_of(const DecodedImage& rgb, const HeifOptions& options) {
  heif_image* image = nullptr;
  heif_image_create(rgb.width_px, rgb.height_px, heif_colorspace_RGB,
                    options.alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB,
                    &image);
  heif_image_add_plane(image, heif_channel_interleaved, rgb.width_px, rgb.height_px, 8);
  int stride = 0;
  std::uint8_t* rows = heif_image_get_plane(image, heif_channel_interleaved, &stride);
  const std::uint8_t* from = rgb.pixels.data();
  for (int y = 0; y < rgb.height_px; ++y, rows += stride) {
    std::uint8_t* to = rows;
    for (int x = 0; x < rgb.width_px; ++x) {
      for (int i = 0; i < 3; ++i) *to++ = *from++;
      if (options.alpha) *to++ = x < rgb.width_px / 2 ? *options.alpha : std::uint8_t{255};
    }
  }
  return image;
}

}  // namespace

Bytes encode_heif(const DecodedImage& rgb, const HeifOptions& options) {
  Bytes bytes;
  heif_init(nullptr);
  heif_context* context = heif_context_alloc();
  heif_encoder* encoder = nullptr;
  const auto format = options.avif ? heif_compression_AV1 : heif_compression_HEVC;
  if (heif_context_get_encoder_for_format(context, format, &encoder).code == heif_error_Ok) {
    heif_encoder_set_lossy_quality(encoder, 90);
    heif_image* image = image_of(rgb, options);
    heif_image_handle* handle = nullptr;
    const heif_error encoded = heif_context_encode_image(context, image, encoder, nullptr, &handle);
    heif_writer writer{1, append};
    if (encoded.code == heif_error_Ok) heif_context_write(context, &writer, &bytes);
    heif_image_handle_release(handle);
    heif_image_release(image);
    heif_encoder_release(encoder);
  }
  heif_context_free(context);
  return bytes;
}

}  // namespace photoscribe::testing
