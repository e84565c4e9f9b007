#include "common/image/raster_photo.h"

#include <optional>
#include <vector>

#include "common/image/area_resize.h"
#include "common/image/blur_score.h"
#include "common/image/container.h"
#include "common/image/exif.h"
#include "common/image/gif_reader.h"
#include "common/image/network_input.h"
#include "common/image/opencv_codec.h"

namespace photoscribe::image {
namespace {

BlurScores scores_of(const cv::Mat& gray, const BlurSettings& blur) {
  BlurMeter meter({gray.cols, gray.rows}, blur);
  for (int y = 0; y < gray.rows; ++y) meter.push(gray.ptr(y));
  return meter.scores();
}

DecodedImage network_input_of(const cv::Mat& rgb, int orientation, int side_px) {
  const auto side = static_cast<std::size_t>(side_px);
  std::vector<std::uint8_t> square(side * side * 3);
  AreaResizer resizer({rgb.cols, rgb.rows}, 3, {side_px, side_px}, square.data());
  for (int y = 0; y < rgb.rows; ++y) resizer.push(rgb.ptr(y));
  return upright_square(std::move(square), side_px, orientation);
}

Decoded<Container> check(std::span<const std::uint8_t> bytes, Format format,
                         const DecodeLimits& limits) {
  switch (format) {
    case Format::png:
      return check_png(bytes, limits);
    case Format::webp:
      return check_webp(bytes, limits);
    case Format::tiff:
      return check_tiff(bytes, limits);
    default:
      return check_bmp(bytes, limits);
  }
}

Decoded<void> check_opencv_caps(const Sniffed& sniffed, const Size& size) {
  constexpr int kSideMax = 1 << 20, kPixelsMax = 1 << 30;  // fixed when its library is loaded
  if (size.width_px <= kSideMax && size.height_px <= kSideMax &&
      size.width_px <= kPixelsMax / size.height_px)
    return {};
  return refuse(Reason::too_large, std::string(sniffed.name) + ": " +
                                       std::to_string(size.width_px) + "x" +
                                       std::to_string(size.height_px) +
                                       " pixels; OpenCV takes 2^20 a side and 2^30 in all");
}

// The first frame of an animation on its black canvas.
void place_on_canvas(cv::Mat& frame, const Container& container) {
  const cv::Size canvas_size(container.size.width_px, container.size.height_px);
  if (frame.size() == canvas_size) return;
  cv::Mat canvas = cv::Mat::zeros(canvas_size, frame.type());
  const cv::Rect wanted(container.frame_left_px, container.frame_top_px, frame.cols, frame.rows);
  const cv::Rect shown = wanted & cv::Rect({0, 0}, canvas_size);
  frame(shown - wanted.tl()).copyTo(canvas(shown));
  frame = canvas;
}

Decoded<GatedPhoto> load_gif(std::span<const std::uint8_t> bytes, const Wanted& wanted,
                             const DecodeLimits& limits) {
  auto rgb = read_first_gif_frame(bytes, limits);
  if (!rgb) return refuse(std::move(rgb.error()));
  GatedPhoto photo;
  photo.measured = {{}, rgb->width_px, rgb->height_px};
  // A view: nothing below writes to it.
  const cv::Mat colour(rgb->height_px, rgb->width_px, CV_8UC3, rgb->pixels.data());
  if (wanted.blur != nullptr) {
    photo.measured.blur_scores = scores_of(rgb_to_gray(colour), *wanted.blur);
    if (is_blurred(photo.measured.blur_scores, *wanted.blur)) return photo;
  }
  if (wanted.side_px > 0) photo.network_input = network_input_of(colour, 1, wanted.side_px);
  return photo;
}

Decoded<GatedPhoto> load_by_opencv(std::span<const std::uint8_t> bytes, const Sniffed& sniffed,
                                   const Wanted& wanted, const DecodeLimits& limits) {
  const auto container = check(bytes, sniffed.format, limits);
  if (!container) return refuse(container.error());
  if (auto fits = check_opencv_caps(sniffed, container->size); !fits) return refuse(fits.error());
  const std::span<const std::uint8_t> data =
      container->rewritten.empty() ? bytes : std::span<const std::uint8_t>(container->rewritten);

  GatedPhoto photo;
  photo.measured.width_px = container->size.width_px;
  photo.measured.height_px = container->size.height_px;
  if (swaps_sides(container->orientation))
    std::swap(photo.measured.width_px, photo.measured.height_px);
  if (wanted.blur != nullptr) {
    auto gray = decode_gray(data, sniffed.name);
    if (!gray) return refuse(gray.error());
    place_on_canvas(*gray, *container);
    photo.measured.blur_scores = scores_of(*gray, *wanted.blur);
    if (is_blurred(photo.measured.blur_scores, *wanted.blur)) return photo;
  }
  if (wanted.side_px == 0) return photo;
  auto rgb = decode_rgb(data, sniffed.name, container->alpha);
  if (!rgb) return refuse(rgb.error());
  place_on_canvas(*rgb, *container);
  photo.network_input = network_input_of(*rgb, container->orientation, wanted.side_px);
  return photo;
}

}  // namespace

Decoded<GatedPhoto> load_raster(std::span<const std::uint8_t> bytes, const Sniffed& sniffed,
                                const Wanted& wanted, const DecodeLimits& limits) {
  return behind_opencv_wall(sniffed.name, [&] {
    return sniffed.format == Format::gif ? load_gif(bytes, wanted, limits)
                                         : load_by_opencv(bytes, sniffed, wanted, limits);
  });
}

}  // namespace photoscribe::image
