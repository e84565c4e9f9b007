#include "common/image/photo.h"

#include <cassert>
#include <utility>

#include "common/image/failure.h"
#include "common/image/format.h"
#include "common/image/jpeg_photo.h"
#include "common/image/raster_photo.h"
#include "common/image/raw_preview.h"

namespace photoscribe {
namespace {

using image::Format;
using image::refuse;
using image::Sniffed;
using image::Wanted;
using Bytes = std::span<const std::uint8_t>;

Decoded<Sniffed> identify(Bytes bytes, const DecodeLimits& limits) {
  if (bytes.empty()) return refuse(Reason::empty, "the file is empty");
  if (bytes.size() > static_cast<std::size_t>(limits.file_bytes_max))
    return refuse(Reason::too_large, "the file has " + std::to_string(bytes.size()) +
                                         " bytes; limits.file_bytes_max is " +
                                         std::to_string(limits.file_bytes_max));
  const Sniffed sniffed = image::sniff(bytes);
  if (sniffed.format == Format::unknown)
    return refuse(Reason::not_an_image, "the first bytes match no image format");
  if (sniffed.format == Format::known)
    return refuse(Reason::unsupported, std::string(sniffed.name) + " is not supported");
  return sniffed;
}

Decoded<GatedPhoto> load_preview(Bytes bytes, const Sniffed& sniffed, const Wanted& wanted,
                                 const DecodeLimits& limits) {
  const auto preview = image::find_raw_preview(bytes, sniffed);
  if (!preview) return refuse(preview.error());
  auto photo = image::load_jpeg(preview->jpeg, wanted, limits, preview->orientation);
  if (!photo)
    return refuse(photo.error().reason,
                  std::string(sniffed.name) + ", its preview: " + photo.error().detail);
  photo->measured.preview = true;
  return photo;
}

Decoded<GatedPhoto> load(Bytes bytes, const Wanted& wanted, const DecodeLimits& limits) {
  const auto sniffed = identify(bytes, limits);
  if (!sniffed) return refuse(sniffed.error());
  if (sniffed->format == Format::jpeg) return image::load_jpeg(bytes, wanted, limits);
  if (sniffed->format == Format::raw) return load_preview(bytes, *sniffed, wanted, limits);
  return image::load_raster(bytes, *sniffed, wanted, limits);
}

}  // namespace

Decoded<Measured> measure_photo(Bytes bytes, const BlurSettings& blur, const DecodeLimits& limits) {
  auto photo = load(bytes, {&blur, 0}, limits);
  if (!photo) return refuse(std::move(photo.error()));
  return photo->measured;
}

Decoded<DecodedImage> decode_for_network(Bytes bytes, int side_px, const DecodeLimits& limits) {
  assert(side_px >= 1 && side_px <= 4096);
  auto photo = load(bytes, {nullptr, side_px}, limits);
  if (!photo) return refuse(std::move(photo.error()));
  return std::move(*photo->network_input);
}

Decoded<GatedPhoto> load_photo(Bytes bytes, int side_px, const BlurSettings& blur,
                               const DecodeLimits& limits) {
  assert(side_px >= 1 && side_px <= 4096);
  return load(bytes, {&blur, side_px}, limits);
}

std::string_view format_name(Bytes bytes) noexcept { return image::sniff(bytes).name; }

}  // namespace photoscribe
