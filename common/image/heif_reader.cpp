// HEIC, HEIF and AVIF through libheif: the primary picture, turned and cropped as the file says.
#include <libheif/heif.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>

#include "common/image/byte_reader.h"
#include "common/image/raster.h"

namespace photoscribe::image {
namespace {

struct Free {
  void operator()(heif_context* context) const noexcept { heif_context_free(context); }
  void operator()(heif_image_handle* handle) const noexcept { heif_image_handle_release(handle); }
  void operator()(heif_image* image) const noexcept { heif_image_release(image); }
  void operator()(heif_decoding_options* options) const noexcept {
    heif_decoding_options_free(options);
  }
};
template <class Handle>
using Owned = std::unique_ptr<Handle, Free>;

tl::unexpected<DecodeFailure> failure(std::string_view name, const heif_error& error) {
  const std::string detail =
      std::string(name) + ": " + (error.message != nullptr ? error.message : "damaged");
  if (error.subcode == heif_suberror_Security_limit_exceeded)
    return refuse(Reason::too_large, detail + "; a limit of libheif's own, whatever the settings");
  switch (error.code) {
    case heif_error_Memory_allocation_error:
      throw std::bad_alloc();
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature:
    case heif_error_Plugin_loading_error:
      if (error.subcode == heif_suberror_Unsupported_codec)
        return refuse(Reason::unsupported,
                      detail + " (this machine's libheif has no decoder for it: see README)");
      return refuse(Reason::unsupported, detail);
    default:
      return refuse(Reason::truncated, detail);
  }
}

// libheif 1.13 and later load their decoders here.
void load_decoders() {
  static std::once_flag once;
  std::call_once(once, [] { static_cast<void>(heif_init(nullptr)); });
}

// AV1 decodes zeros without a word. A file's last box holds the picture's data, or something that a
// person would not miss.
bool last_data_end_in_zeros(std::span<const std::uint8_t> bytes) noexcept {
  const ByteReader reader(bytes, ByteOrder::big);
  for (std::size_t at = 0; reader.has(at, 8);) {
    const std::uint64_t size = reader.u32(at) == 1 ? reader.u64(at + 8) : reader.u32(at);
    const bool last = size == 0 || size >= bytes.size() - at;
    if (last) return reader.matches(at + 4, "mdat") && ends_in_zeros(bytes);
    if (size < 8) return false;
    at += static_cast<std::size_t>(size);
  }
  return false;
}

// libheif takes dav1d for AV1 where it has both, which writes what it does not like to stderr.
const char* quiet_av1_decoder() {
  constexpr const char* kQuiet = "aom";
  std::array<const heif_decoder_descriptor*, 8> decoders{};
  const int count = heif_get_decoder_descriptors(heif_compression_AV1, decoders.data(),
                                                 static_cast<int>(decoders.size()));
  for (int i = 0; i < std::min(count, static_cast<int>(decoders.size())); ++i) {
    const char* id = heif_decoder_descriptor_get_id_name(decoders[static_cast<std::size_t>(i)]);
    if (id != nullptr && std::string_view(id) == kQuiet) return kQuiet;
  }
  return nullptr;  // libheif's own choice
}

Decoded<Owned<heif_image>> decode(const heif_image_handle* handle, std::string_view name,
                                  bool alpha) {
  const Owned<heif_decoding_options> options(heif_decoding_options_alloc());
  if (!options) throw std::bad_alloc();
  options->convert_hdr_to_8bit = 1;
  options->strict_decoding = 1;
  if (name == "AVIF") options->decoder_id = quiet_av1_decoder();
  heif_image* image = nullptr;
  const heif_error error = heif_decode_image(
      handle, &image, heif_colorspace_RGB,
      alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, options.get());
  Owned<heif_image> owned(image);
  if (error.code != heif_error_Ok) return failure(name, error);
  heif_error warning{};
  if (heif_image_get_decoding_warnings(image, 0, &warning, 1) > 0) return failure(name, warning);
  return owned;
}

Decoded<Raster> to_raster(const heif_image* image, std::string_view name, bool alpha,
                          bool premultiplied) {
  int stride = 0;
  const std::uint8_t* rows =
      heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
  const Size size{heif_image_get_width(image, heif_channel_interleaved),
                  heif_image_get_height(image, heif_channel_interleaved)};
  if (rows == nullptr || size.width_px < 1 || size.height_px < 1)
    return refuse(Reason::truncated, std::string(name) + ": no picture came out of it");
  Raster raster = make_raster(size, 3);
  for (int y = 0; y < size.height_px; ++y, rows += stride) {
    std::uint8_t* to = raster.row(y);
    if (!alpha) {
      std::memcpy(to, rows, raster.stride());
      continue;
    }
    for (int x = 0; x < size.width_px; ++x)
      for (int i = 0; i < 3; ++i)
        *to++ = static_cast<std::uint8_t>(
            premultiplied ? rows[4 * x + i] : on_black(rows[4 * x + i], rows[4 * x + 3], 255));
  }
  return raster;
}

}  // namespace

Decoded<Raster> read_heif(std::span<const std::uint8_t> bytes, std::string_view name,
                          const DecodeLimits& limits) {
  load_decoders();
  const Owned<heif_context> context(heif_context_alloc());
  if (!context) throw std::bad_alloc();
  heif_context_set_max_decoding_threads(context.get(), 0);  // the callers are a pool already
  heif_error error = heif_context_read_from_memory_without_copy(context.get(), bytes.data(),
                                                                bytes.size(), nullptr);
  if (error.code != heif_error_Ok) return failure(name, error);
  heif_image_handle* primary = nullptr;
  error = heif_context_get_primary_image_handle(context.get(), &primary);
  const Owned<heif_image_handle> handle(primary);
  if (error.code != heif_error_Ok) return failure(name, error);
  for (const Size& size :
       {Size{heif_image_handle_get_width(primary), heif_image_handle_get_height(primary)},
        Size{heif_image_handle_get_ispe_width(primary),
             heif_image_handle_get_ispe_height(primary)}})  // before it is cropped
    if (auto fits = check_size(name, size.width_px, size.height_px, limits); !fits)
      return refuse(fits.error());
  if (last_data_end_in_zeros(bytes))
    return refuse(Reason::truncated, std::string(name) + ": the data end in zeros");
  const bool alpha = heif_image_handle_has_alpha_channel(primary) != 0;
  const auto image = decode(primary, name, alpha);
  if (!image) return refuse(image.error());
  return to_raster(image->get(), name, alpha,
                   heif_image_handle_is_premultiplied_alpha(primary) != 0);
}

}  // namespace photoscribe::image
