#include "common/image/raster_photo.h"

#include <array>
#include <utility>
#include <vector>

#include "common/image/area_resize.h"
#include "common/image/blur_score.h"
#include "common/image/exif.h"
#include "common/image/network_input.h"
#include "common/image/raster.h"

namespace photoscribe::image {
namespace {

Decoded<Raster> read(std::span<const std::uint8_t> bytes, const Sniffed& sniffed, Pixels wanted,
                     const DecodeLimits& limits) {
  switch (sniffed.format) {
    case Format::png:
      return read_png(bytes, wanted, limits);
    case Format::webp:
      return read_webp(bytes, wanted, limits);
    case Format::tiff:
      return read_tiff(bytes, wanted, limits);
    case Format::gif:
      return read_gif(bytes, limits);
    case Format::heif:
      return read_heif(bytes, sniffed.name, limits);
    default:
      return read_bmp(bytes, wanted, limits);
  }
}

void measure(const Raster& raster, const BlurSettings& blur, Measured& measured) {
  BlurMeter meter(raster.size, blur);
  std::array<std::vector<std::uint8_t>, 3> gray;  // the meter keeps the last two
  const auto width = static_cast<std::size_t>(raster.size.width_px);
  if (raster.channels == 3)
    for (auto& row : gray) row.resize(width);
  for (int y = 0; y < raster.size.height_px; ++y) {
    if (raster.channels == 1) {
      meter.push(raster.row(y));
      continue;
    }
    std::vector<std::uint8_t>& row = gray[static_cast<std::size_t>(y) % gray.size()];
    rgb_to_gray(raster.row(y), width, row.data(), raster.gray_of);
    meter.push(row.data());
  }
  take_scores(meter, measured);
}

DecodedImage network_input_of(const Raster& rgb, int side_px) {
  const auto side = static_cast<std::size_t>(side_px);
  std::vector<std::uint8_t> square(side * side * 3);
  AreaResizer resizer(rgb.size, 3, {side_px, side_px}, square.data());
  for (int y = 0; y < rgb.size.height_px; ++y) resizer.push(rgb.row(y));
  return upright_square(std::move(square), side_px, rgb.orientation);
}

}  // namespace

Decoded<GatedPhoto> load_raster(std::span<const std::uint8_t> bytes, const Sniffed& sniffed,
                                const Wanted& wanted, const DecodeLimits& limits) {
  const Pixels first = wanted.blur == nullptr ? Pixels::rgb
                       : wanted.side_px > 0   ? Pixels::both
                                              : Pixels::gray;
  auto raster = read(bytes, sniffed, first, limits);
  if (!raster) return refuse(std::move(raster.error()));
  GatedPhoto photo;
  photo.measured.width_px = raster->size.width_px;
  photo.measured.height_px = raster->size.height_px;
  if (swaps_sides(raster->orientation))
    std::swap(photo.measured.width_px, photo.measured.height_px);
  if (wanted.blur != nullptr) {
    measure(*raster, *wanted.blur, photo.measured);
    if (is_blurred(photo.measured.blur_scores, *wanted.blur)) return photo;
  }
  if (wanted.side_px == 0) return photo;
  if (raster->channels == 1) {
    raster->pixels = {};  // not both at a time
    raster = read(bytes, sniffed, Pixels::rgb, limits);
    if (!raster) return refuse(std::move(raster.error()));
  }
  photo.network_input = network_input_of(*raster, wanted.side_px);
  return photo;
}

}  // namespace photoscribe::image
